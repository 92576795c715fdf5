# PyTorch's own products with the Jacobian of a network at one input, 16 probes at a time: backward only (the forward
# pass kept), and forward mode. Prints the shortest of several runs in milliseconds as JSON. Weights are random: only the
# time counts.
import json
import sys
import time

import torch
from torch import nn

PROBES, RUNS = 16, 8


def two_convolutions():
    return (
        nn.Sequential(
            nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(64 * 49, 256), nn.ReLU(), nn.Linear(256, 10),
        ),
        (1, 28, 28),
    )


def eight_convolutions():
    layers, channels = [], 3
    for width in (32, 64, 128, 128):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 16, 10)), (3, 64, 64)


def shortest(run):
    run()
    best = float('inf')
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best * 1e3


torch.manual_seed(0)
network, shape = {'two': two_convolutions, 'eight': eight_convolutions}[sys.argv[1]]()
for parameter in network.parameters():
    parameter.requires_grad_(False)
x = torch.randn(1, *shape).repeat(PROBES, 1, 1, 1).requires_grad_(True)
y = network(x)
probes = torch.randn_like(y)
backward = shortest(lambda: torch.autograd.grad(y, x, probes, retain_graph=True))
tangents = torch.randn_like(x)
forward = shortest(lambda: torch.func.jvp(network, (x.detach(),), (tangents,)))
print(json.dumps({'torch': torch.__version__, 'transpose': backward, 'apply': forward}))
