# The usual ways: powerlaw 1.x and WeightWatcher, where they are installed, on given eigenvalues and on all layers of a network;
# numpy's SVD of given weights; and one im2col product per image for the signals. Arguments: a folder with input.json.
# Prints seconds and results as JSON.
import json
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")
folder = sys.argv[1]
given = json.load(open(f"{folder}/input.json"))
read = lambda name, shape: np.fromfile(f"{folder}/{name}", np.float32).reshape(shape)
answer = {}
# powerlaw prints its progress; the result alone goes to standard output.
result_out, sys.stdout = sys.stdout, sys.stderr


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def powerlaw_alpha(values):
    import powerlaw

    fit = powerlaw.Fit(values, verbose=False)
    return float(fit.alpha)


if given["fit"]:
    try:
        import powerlaw

        version = getattr(powerlaw, "__version__", "?")
        eigenvalues = np.array(given["eigenvalues"])
        seconds, alpha = timed(lambda: powerlaw_alpha(eigenvalues))
        answer["powerlaw"] = {"version": version, "seconds": seconds, "alpha": alpha}
    except ImportError:
        pass
    try:
        from weightwatcher.WW_powerlaw import WWFit

        eigenvalues = np.array(given["eigenvalues"])
        seconds, fit = timed(lambda: WWFit(eigenvalues))
        answer["weightwatcher"] = {"seconds": seconds, "alpha": float(fit.alpha)}
    except ImportError:
        pass

layers = given["layers"]
if layers:

    def spectrum(name, rows, columns):
        return np.linalg.svd(read(name, (rows, columns)).astype(np.float64), compute_uv=False)

    if given["spectra"]:
        seconds, values = timed(lambda: [spectrum(name, rows, columns).tolist() for name, rows, columns, _ in layers])
        answer["spectra"] = {"seconds": seconds, "values": values}

    def all_alphas():
        found = []
        for name, rows, columns, _ in layers:
            values = spectrum(name, rows, columns)
            values = values[values > max(rows, columns) * 2.0**-23 * values[0]] ** 2
            found.append(powerlaw_alpha(values) if len(values) >= 10 else None)
        return found

    if "powerlaw" in answer:
        seconds, alphas = timed(all_alphas)
        answer["powerlawLayers"] = {"seconds": seconds, "alphas": alphas}

    def weightwatcher_alphas():
        import torch
        import weightwatcher

        modules = torch.nn.ModuleList()
        for name, _, _, shape in layers:
            tensor = torch.from_numpy(read(name, shape))
            if len(shape) == 4:
                module = torch.nn.Conv2d(shape[1], shape[0], shape[2:], bias=False)
            else:
                module = torch.nn.Linear(shape[1], shape[0], bias=False)
            module.weight = torch.nn.Parameter(tensor)
            modules.append(module)
        seconds, details = timed(lambda: weightwatcher.WeightWatcher(model=modules).analyze(min_evals=10))
        alphas = [None] * len(layers)
        for longname, alpha in zip(details["longname"], details["alpha"]):
            alphas[int(longname)] = float(alpha) if alpha == alpha and alpha > 0 else None
        return {"seconds": seconds, "alphas": alphas}

    if "weightwatcher" in answer:
        answer["weightwatcherLayers"] = weightwatcher_alphas()

if given["signals"]:
    n, c, h, w, d, k = (given["signals"][key] for key in ("n", "c", "h", "w", "d", "k"))
    inputs, weight = read("inputs.f32", (n, c, h, w)), read("weight.f32", (d, c * k * k))
    u, s, vt = np.linalg.svd(weight.astype(np.float64), full_matrices=False)
    u = u * np.sign(vt[np.arange(len(vt)), np.abs(vt).argmax(1)])
    vt = vt * np.sign(vt[np.arange(len(vt)), np.abs(vt).argmax(1)])[:, None]
    rows = (s[:, None] * vt).astype(np.float32)

    def per_image():
        signals = np.empty((n, len(s)))
        for i, image in enumerate(inputs):
            windows = np.lib.stride_tricks.sliding_window_view(image, (k, k), axis=(1, 2))
            columns = windows.transpose(0, 3, 4, 1, 2).reshape(c * k * k, -1)
            signals[i] = (rows @ columns).mean(1)
        return signals

    per_image()
    seconds, signals = timed(per_image)
    answer["im2col"] = {"seconds": seconds, "signals": signals.ravel().tolist()}

print(json.dumps(answer), file=result_out)
