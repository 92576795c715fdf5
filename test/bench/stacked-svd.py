# The literal way (ALLT as published): every sample's matrix written under the others, and a randomised SVD of the stack.
# Arguments: folder, samples, outputs, inputs, k. Prints seconds (of the clock and of all cores), peak memory above the start in bytes, and the values, as JSON.
import json
import resource
import sys
import time

import numpy as np

folder, n, rows, cols, k = sys.argv[1], *map(int, sys.argv[2:6])
weights = np.fromfile(f"{folder}/weights.f32", np.float32).reshape(rows, cols)
ratios = np.fromfile(f"{folder}/ratios.f32", np.float32).reshape(n, rows)

try:
    from sklearn.utils.extmath import randomized_svd

    rival = "scikit-learn"

    def decompose(stack):
        return randomized_svd(stack, n_components=k, random_state=0)

except ImportError:
    rival = "numpy, randomised as scikit-learn does it"

    def decompose(stack):
        draw = np.random.RandomState(0)
        basis = draw.normal(size=(stack.shape[1], k + 10)).astype(np.float32)
        for _ in range(7):
            basis, _ = np.linalg.qr(stack @ basis)
            basis, _ = np.linalg.qr(stack.T @ basis)
        basis, _ = np.linalg.qr(stack @ basis)
        left, values, right = np.linalg.svd(basis.T @ stack, full_matrices=False)
        return (basis @ left)[:, :k], values[:k], right[:k]


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


before = peak()
start = time.perf_counter()
busy = time.process_time()
stack = np.concatenate([ratio[:, None] * weights for ratio in ratios])
_, values, _ = decompose(stack)
seconds = time.perf_counter() - start
cpu = time.process_time() - busy
print(json.dumps({"rival": rival, "seconds": seconds, "cpu": cpu, "bytes": peak() - before, "values": [float(v) for v in values]}))
