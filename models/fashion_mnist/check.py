# SPDX-License-Identifier: Apache-2.0
"""Compares what the C++ program did with Python and PyTorch.

  check.py DIR [--width 16]

Takes DIR after train.py and the C++ program. Checks: the losses of both are equal, bit for bit;
PyTorch reads tuned.safetensors by its own library, and with it is right on as many test images as
the C++ program's package in Python, up to ties. Gives exit status 1 where not. Without PyTorch and
safetensors the second part says that it is left out.
"""
import argparse
import pathlib
import sys

import data
import net


def check_losses(folder):
    python, cpp = [(folder / f"losses_{one}.txt").read_text().split() for one in ("python", "cpp")]
    equal = [float.fromhex(a) == float.fromhex(b) for a, b in zip(python, cpp)]
    if len(python) != len(cpp) or not all(equal):
        sys.exit(f"losses differ from step {equal.index(False) if False in equal else len(equal)}")
    print(f"{len(cpp)} losses of C++ are those of Python, bit for bit")


def check_checkpoint(folder, width):
    try:
        import torch
        from safetensors.torch import load_file
    except ImportError as error:
        print(f"left out: reading the checkpoint by PyTorch ({error})")
        return
    import mintor as mt
    stored = load_file(folder / "tuned.safetensors")
    module = net.make_net(torch.nn, width).eval()
    own = {name: stored[name] for name in module.state_dict()}
    module.load_state_dict(own)
    package = mt.load(folder / "trainer")
    package.load_parameters(folder / "tuned.safetensors")
    images, labels = data.read(folder, "t10k")
    right, theirs, largest = 0, 0, 0.0
    for n in range(0, len(images), 500):
        with torch.no_grad():
            scores = module(torch.from_numpy(images[n:n + 500])).numpy()
        ours = package(images[n:n + 500])
        largest = max(largest, float(abs(scores - ours).max() / abs(scores).max()))
        theirs += int((scores.argmax(1) == labels[n:n + 500]).sum())
        right += int((ours.argmax(1) == labels[n:n + 500]).sum())
    print(f"PyTorch reads {len(own)} of {len(stored)} arrays; right on {theirs} of {len(images)} "
          f"images, the package on {right}; scores differ by {largest:.1e} of the largest")
    if largest > 1e-4:
        sys.exit("that is too much")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--width", type=int, default=16)
    given = parser.parse_args()
    check_losses(given.folder)
    check_checkpoint(given.folder, given.width)
