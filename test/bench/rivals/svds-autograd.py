# The leading singular triplets of a network's map at one input by scipy's svds (ARPACK) over PyTorch's own products: jvp
# from the linearised forward pass, vjp from the kept graph. Reads the network that the bench wrote (network.json and raw
# float32 weights); prints seconds, products and the largest residuals, relative to the first value, as JSON.
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse.linalg import LinearOperator, svds

folder, count, tolerance = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
described = json.loads((folder / 'network.json').read_text())


def array(entry):
    return torch.from_numpy(np.fromfile(folder / entry['file'], dtype='<f4').reshape(entry['shape']))


nodes = [{**node, 'parameters': {k: array(v) for k, v in node['parameters'].items()}} for node in described['nodes']]


def padded(value, pads, fill=0.0):
    top, left, bottom, right = pads
    return F.pad(value, (left, right, top, bottom), value=fill) if any(pads) else value


def run(x):
    values = {described['input']: x}
    for node in nodes:
        a, p = node['attributes'], node['parameters']
        ins = [values[name] for name in node['inputs']]
        op = node['op']
        if op == 'conv':
            y = F.conv2d(padded(ins[0], a['pads']), p['weight'], p.get('bias'), a['strides'], 0, a['dilations'], a['groups'])
        elif op == 'relu':
            y = F.relu(ins[0])
        elif op == 'max-pool':
            y = F.max_pool2d(padded(ins[0], a['pads'], -torch.inf), a['kernel'], a['strides'], ceil_mode=a['ceilMode'])
        elif op == 'average-pool':
            y = F.avg_pool2d(padded(ins[0], a['pads']), a['kernel'], a['strides'])
        elif op == 'concat':
            y = torch.cat(ins, dim=a['axis'])
        elif op == 'reshape':
            y = ins[0].reshape(a['shape'])
        elif op == 'parametric-relu':
            y = torch.where(ins[0] > 0, ins[0], ins[0] * p['slope'])
        elif op == 'tanh':
            # Frozen: the ratio is held.
            y = ins[0] * (torch.tanh(ins[0]) / ins[0]).detach()
        elif op == 'depth-to-space' and ins[0].shape[1] == a['blockSize'] ** 2:
            y = F.pixel_shuffle(ins[0], a['blockSize'])
        elif op == 'add':
            y = ins[0] + ins[1]
        elif op == 'constant':
            y = p['value']
        else:
            raise SystemExit(f'no rule for {op}')
        values[node['id']] = y
    return values[described['output']]


x = array(described['at'])
start = time.perf_counter()
value, push = torch.func.linearize(run, x)
leaf = x.clone().requires_grad_(True)
kept = run(leaf)
products = 0


def forward(v):
    global products
    products += 1
    return push(torch.from_numpy(np.asarray(v, dtype=np.float32).reshape(x.shape))).reshape(-1).numpy()


def backward(u):
    global products
    products += 1
    cotangent = torch.from_numpy(np.asarray(u, dtype=np.float32).reshape(kept.shape))
    return torch.autograd.grad(kept, leaf, cotangent, retain_graph=True)[0].reshape(-1).numpy()


operator = LinearOperator((kept.numel(), x.numel()), matvec=forward, rmatvec=backward, dtype=np.float32)
u, s, vt = svds(operator, k=count, tol=tolerance, random_state=0)
seconds = time.perf_counter() - start
taken = products
residuals = [
    max(np.linalg.norm(forward(v) - sigma * left), np.linalg.norm(backward(left) - sigma * v)) / s.max()
    for sigma, left, v in zip(s, u.T, vt)
]
print(
    json.dumps(
        {
            'torch': torch.__version__,
            'seconds': seconds,
            'products': taken,
            'residual': float(max(residuals)),
            'values': sorted(map(float, s), reverse=True),
            'distance': float((value.reshape(-1) - array(described['value']).reshape(-1)).norm() / value.norm()),
        }
    )
)
