# SPDX-License-Identifier: Apache-2.0
"""The networks of models/vision at their full size: packages, built by gcc, beside Python.

    tests/python/vision_checks.py [--models resnet18,vgg16,...] [--compiler gcc]

Takes nothing else; prints for each network seconds to export and to build, whether the package has
Python's bits (numerics strict: batch norms are not folded), and how far it is from PyTorch (largest
error over largest output). Some minutes; the tests do the same with small ones. Exit status 1 where
something differs.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
import torch

import mintor as mt
from vision_pairs import OURS, THEIRS

LIMIT = 1e-4
# What makes a network, given the folder as a module, and the shape of its input.
NETWORKS = {
    "resnet18": (lambda vision: vision.resnet18(), (1, 3, 224, 224)),
    "resnet34": (lambda vision: vision.resnet34(), (1, 3, 224, 224)),
    "resnet50": (lambda vision: vision.resnet50(), (1, 3, 224, 224)),
    "vgg16": (lambda vision: vision.vgg16(), (1, 3, 224, 224)),
    "vgg16_bn": (lambda vision: vision.vgg16_bn(), (1, 3, 224, 224)),
    "ssd300": (lambda vision: vision.ssd300_vgg16(), (1, 3, 300, 300)),
    "deeplab": (lambda vision: vision.deeplabv3_resnet50(), (1, 3, 256, 256)),
    "generator": (lambda vision: vision.Generator(), (8, 100)),
    "discriminator": (lambda vision: vision.Discriminator(), (8, 3, 64, 64)),
}


def results_of(made):
    return list(made) if isinstance(made, (tuple, list)) else [made]


def build(folder, compiler="gcc"):
    """The package's library, by this compiler alone."""
    plus = compiler.replace("gcc", "g++").replace("clang", "clang++")
    subprocess.run(["make", "-s", "-j2", "-C", folder, f"CC={compiler}", f"CXX={plus}"],
                   check=True)


def checked(name, compiler):
    make, shape = NETWORKS[name]
    torch.manual_seed(0)
    theirs, ours = make(THEIRS).eval(), make(OURS).eval()
    ours.load_state_dict(theirs.state_dict())
    x = numpy.random.default_rng(0).standard_normal(shape).astype("float32")
    with torch.no_grad():
        expected = [one.numpy() for one in results_of(theirs(torch.tensor(x)))]
    with mt.no_grad():
        got = [one.numpy() for one in results_of(ours(mt.array(x)))]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder) / name
        begin = time.monotonic()
        mt.export(ours, x, folder, numerics="strict")
        middle = time.monotonic()
        build(folder, compiler)
        end = time.monotonic()
        package = mt.load(folder, threads=2)
        packaged = list(package.run({package.inputs[0][0]: x}).values())
    bits = all(numpy.array_equal(one, other) for one, other in zip(got, packaged))
    error = max(abs(one - other).max() / abs(other).max() for one, other in zip(got, expected))
    print(f"{name:14s} export {middle - begin:6.1f} s  build {end - middle:6.1f} s  "
          f"bits {'equal' if bits else 'DIFFER'}  error {error:.1e}", flush=True)
    return bits and error < LIMIT


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(NETWORKS))
    parser.add_argument("--compiler", default="gcc")
    arguments = parser.parse_args()
    good = [checked(name, arguments.compiler) for name in arguments.models.split(",")]
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
