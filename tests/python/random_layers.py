# SPDX-License-Identifier: Apache-2.0
"""Random layers of space beside PyTorch's: convolutions, pools, norms, padding, resizing, windows.

A seed is a few layers with random arguments and sizes, compiled together; what PyTorch itself
refuses is left out. Takes seeds; gives what differs of values, gradients and buffers.

  python tests/python/random_layers.py --seeds 0..500
"""
import random
import sys
import warnings

import numpy
import torch

from seeds import run_seeds
from torch_pairs import Pairs

LAYERS = 14         # of a seed


def some(rng, rank, low, high):
    """One number, or one a dimension."""
    return rng.choice([rng.randint(low, high),
                       tuple(rng.randint(low, high) for _ in range(rank))])


def convolution(rng, rank, sizes):
    groups = rng.choice([1, 1, 2, 4])
    return f"Conv{rank}d", (4, groups * rng.randint(1, 3), some(rng, rank, 1, 3)), {
        "stride": some(rng, rank, 1, 3), "padding": some(rng, rank, 0, 2), "groups": groups,
        "dilation": some(rng, rank, 1, 2), "bias": rng.random() < 0.5,
        "padding_mode": rng.choice(["zeros", "zeros", "reflect", "replicate", "circular"])}, \
        (4, *(max(size, 5) for size in sizes))


def transposed(rng, rank, sizes):
    groups, stride = rng.choice([1, 1, 2]), rng.randint(1, 3)
    return f"ConvTranspose{rank}d", (4, groups * rng.randint(1, 3), some(rng, rank, 2, 3)), {
        "stride": stride, "padding": some(rng, rank, 0, 1), "groups": groups,
        "output_padding": rng.randint(0, stride - 1), "dilation": some(rng, rank, 1, 2),
        "bias": rng.random() < 0.5}, (4, *sizes)


def largest(rng, rank, sizes):
    return f"MaxPool{rank}d", (rng.randint(2, 3),), {
        "stride": rng.choice([None, 1, 2, 3]), "padding": rng.randint(0, 1),
        "dilation": rng.choice([1, 1, 2]), "ceil_mode": rng.random() < 0.5}, \
        (2, *(max(size, 5) for size in sizes))


def average(rng, rank, sizes):
    options = {"stride": rng.choice([None, 1, 2, 3]), "padding": rng.randint(0, 1),
               "ceil_mode": rng.random() < 0.5, "count_include_pad": rng.random() < 0.5}
    if rank > 1 and rng.random() < 0.3:
        options["divisor_override"] = rng.randint(1, 7)
    return f"AvgPool{rank}d", (rng.randint(2, 3),), options, (2, *sizes)


def adaptive(rng, rank, sizes):
    return f"Adaptive{rng.choice(['Avg', 'Max'])}Pool{rank}d", (some(rng, rank, 1, 7),), {}, \
        (2, *sizes)


def norm(rng, rank, sizes):
    affine = rng.random() < 0.5
    return *rng.choice([
        (f"BatchNorm{rank}d", (4,), {"momentum": rng.choice([None, 0.1, 0.7]), "affine": affine,
                                     "track_running_stats": rng.random() < 0.7}),
        (f"InstanceNorm{rank}d", (4,), {"affine": affine, "momentum": 0.3,
                                        "track_running_stats": rng.random() < 0.4}),
        ("GroupNorm", (rng.choice([1, 2, 4]), 4), {"affine": affine, "eps": 1e-3}),
        ("LayerNorm", (sizes[-rng.randint(1, rank):],), {"elementwise_affine": affine}),
        ("LocalResponseNorm", (rng.randint(1, 4),), {"alpha": 0.3, "beta": 0.6, "k": 1.5})]), \
        (4, *sizes)


def padding(rng, rank, sizes):
    kind = rng.choice(["Constant", "Reflection", "Replication", "Circular", "Zero"])
    sides = tuple(rng.randint(0, 2) for _ in range(2 * rank))
    return f"{kind}Pad{rank}d", (sides,) + ((1.5,) if kind == "Constant" else ()), {}, (2, *sizes)


def resized(rng, rank, sizes):
    smooth = {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}[rank]
    mode = rng.choice(["nearest", "nearest-exact", "area", *smooth])
    options = {"mode": mode}
    if mode in smooth:
        options["align_corners"] = rng.random() < 0.5
    if rng.random() < 0.5:
        options["size"] = some(rng, rank, 1, 12)
    else:       # where nearest keeps a size PyTorch's answer depends on the memory format
        options["scale_factor"] = rng.choice([2, 3, 0.5, 1.5] if "nearest" in mode else
                                             [2, 3, 0.5, 1.5, 1.3, 0.7])
    return "Upsample", (), options, (2, *sizes)


def windows(rng, _, __):
    return "Unfold", (rng.choice([2, (2, 3)]),), {
        "stride": rng.randint(1, 2), "padding": rng.randint(0, 2),
        "dilation": rng.randint(1, 2)}, (3, 7, 8)


KINDS = [convolution, transposed, largest, average, adaptive, norm, padding, resized, windows]


def draw(rng):
    """(name, arguments, options, shape of the input) of a layer."""
    rank = rng.choice([1, 2, 2, 3])
    sizes = tuple(rng.randint(3, 9) for _ in range(rank))
    name, given, options, shape = rng.choice(KINDS)(rng, rank, sizes)
    return name, given, options, (rng.randint(2, 3), *shape)


def is_taken(name, given, options, shape):
    """Whether PyTorch takes it."""
    try:
        getattr(torch.nn, name)(*given, **options)(torch.zeros(shape))
    except (RuntimeError, ValueError):
        return False
    return True


def check(seed):
    """None, or what differs."""
    rng, pairs = random.Random(seed), Pairs(1e-4, 1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(LAYERS):
            row = draw(rng)
            if is_taken(*row):
                name, given, options, shape = row
                pairs.layer(name, given, options, [shape],
                            modes=(True, False) if "Norm" in name else (False,))
        try:
            pairs.check()
        except AssertionError as error:
            return str(error)
    return None


if __name__ == "__main__":
    sys.exit(run_seeds("random layers", check, __doc__.splitlines()[0]))
