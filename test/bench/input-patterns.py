# The literal way (SLP as published): the Jacobian of each layer's activity, batched (vmap of vjp over the identity, in chunks),
# its input components as a matrix, and LAPACK's SVD of all, active and inactive neurons' columns.
# Arguments: folder, digits. Prints seconds, peak memory above the start in bytes, and leading values and R_0.9, as JSON.
import json
import resource
import sys
import time

import numpy as np
import torch
from torch.func import vjp, vmap

folder, digits = sys.argv[1], int(sys.argv[2])
images = torch.from_numpy(np.fromfile(f"{folder}/images.f32", np.float32).reshape(-1, 1, 1, 28, 28).copy())
network = torch.nn.Sequential(
    torch.nn.Conv2d(1, 32, 5, padding=2), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
    torch.nn.Conv2d(32, 64, 5, padding=2), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
    torch.nn.Flatten(), torch.nn.Linear(3136, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10),
)
with torch.no_grad():
    for at in (0, 3, 7, 9):
        for name in ("weight", "bias"):
            parameter = getattr(network[at], name)
            parameter.copy_(torch.from_numpy(np.fromfile(f"{folder}/{at}.{name}.f32", np.float32).copy()).reshape(parameter.shape))
CHUNK = 512


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def jacobian(layer, x):
    activity, pull = vjp(lambda v: network[: layer + 1](v).flatten(), x)
    size = activity.numel()
    rows = []
    for start in range(0, size, CHUNK):
        units = torch.zeros(min(CHUNK, size - start), size)
        units[torch.arange(len(units)), start + torch.arange(len(units))] = 1
        rows.append(vmap(pull)(units)[0].flatten(1))
    return activity, torch.cat(rows)


with torch.no_grad():
    jacobian(9, images[0])
    torch.linalg.svd(torch.rand(32, 16))
    before = peak()
    start = time.perf_counter()
    result = []
    for digit in range(digits):
        for layer in (0, 3, 7, 9):
            activity, rows = jacobian(layer, images[digit])
            squares = rows.square()
            components = (activity / squares.sum(1).clamp_min(1e-30))[:, None] * squares
            for part in (activity == activity, activity > 0, activity <= 0):
                values = torch.linalg.svd(components[part].T, full_matrices=False).S.double()
                shares = values.cumsum(0) / values.sum()
                result.append({"values": values[:10].tolist(), "power": int((shares < 0.9 - 1e-12).sum()) + 1})
    seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "bytes": peak() - before, "absolute": peak(), "result": result}))
