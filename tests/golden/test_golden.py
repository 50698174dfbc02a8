#!/usr/bin/env python3
"""test_golden.py: Freehold's logits against reference.py, for each architecture and type of weights.

    test_golden.py GOLDEN_LOGITS [DATA]      the program that makes models and logits; a folder with models/stories260k-F32.gguf

The error of a position is the root mean square of its logits' differences, relative to that of all logits. Three numbers
say how good a model's are:
    best     the smallest error of a position, against the reference that rounds what the contract says is rounded: float32
             arithmetic is all that can remain there
    all      the same over all positions: here and there an activation that lies on the border of two int8 (or float16) values
             falls to the other side, and later positions see it
    median   of the errors of positions against exact arithmetic: what the rounding costs. (Not the mean: where two experts are
             nearly as good, rounding may choose the other one, and that position has little to do with the exact one.)"""
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: this python3 has no numpy")
    sys.exit(77)
import reference

# type: bounds of best, all, median
BOUNDS = {
    "F32": (1e-6, 2e-4, 2e-2),
    "F16": (1e-6, 2e-4, 2e-2),
    "BF16": (1e-6, 2e-4, 2e-2),
    "Q8_0": (1e-6, 3e-2, 5e-2),
    "Q4_0": (1e-6, 3e-2, 5e-2),
}


def errors(got, expected):
    """Of each position, and of all."""
    square = ((got - expected) ** 2).mean(axis=1)
    size = np.sqrt((expected ** 2).mean())
    return np.sqrt(square) / size, np.sqrt(square.mean()) / size


def compare(name, dtype, model, stem):
    file = reference.File(model)
    tokens = np.fromfile(stem + ".tokens", "<u4").astype(np.int64)
    rounded = reference.Model(file, rounded=True).logits(tokens)
    exact = reference.Model(file).logits(tokens)
    got = np.fromfile(stem + ".logits", "<f4").astype(np.float64)
    if got.size != exact.size:
        print(f"{name}: {got.size} logits, expected {exact.size}")
        return False
    got = got.reshape(exact.shape)
    rows, total = errors(got, rounded)
    found = (rows.min(), total, np.median(errors(got, exact)[0]))
    ok = all(e <= bound for e, bound in zip(found, BOUNDS[dtype]))
    agree = (got.argmax(axis=1) == exact.argmax(axis=1)).mean()
    print(f"{name:16} {found[0]:8.1e} {found[1]:8.1e}   {found[2]:8.1e}   {agree:6.1%}  {'ok' if ok else 'TOO LARGE'}")
    return ok


def main(program, data):
    story = os.path.join(data, "models", "stories260k-F32.gguf")
    given = os.path.exists(story)
    ok = True
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder] + ([story] if given else []), check=True)
        print("                 rounded reference      exact reference")
        print("model                best      all     median  same token first")
        names = sorted(n[:-5] for n in os.listdir(folder) if n.endswith(".gguf"))
        for name in names:
            stem = os.path.join(folder, name)
            ok &= compare(name, name.rsplit("-", 1)[1], stem + ".gguf", stem)
        if given:
            ok &= compare("stories260k", "F32", story, os.path.join(folder, "given"))
        else:
            print(f"without {story}")
    return 0 if ok and len(names) == 25 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""))
