# SPDX-License-Identifier: Apache-2.0
"""grid_sample and affine_grid beside PyTorch's: values and gradients, inside and far outside.

Takes random images and places; fails where a value or gradient differs.
"""
import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from torch_pairs import Pairs

import mintor as mt
import mintor.nn.functional as F


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample(mode):
    rng, pairs = np.random.default_rng(0), Pairs(rtol=2e-4, atol=2e-4)
    for shape, places in (((2, 3, 5, 4), (3, 6)), ((1, 2, 3, 4, 5), (2, 3, 2)),
                          ((1, 1, 1, 1), (2, 2))):
        if mode == "bicubic" and len(shape) == 5:
            continue
        x = rng.standard_normal(shape).astype("float32")
        grid = (rng.random((shape[0], *places, len(places))) * 5 - 2.5).astype("float32")
        for outside in ("zeros", "border", "reflection"):
            for corners in (True, False):
                options = {"mode": mode, "padding_mode": outside, "align_corners": corners}
                pairs.run(f"{shape} {options}", lambda x, g: F.grid_sample(x, g, **options),
                          lambda x, g: TF.grid_sample(x, g, **options), [x, grid])
    pairs.check()


def test_affine_grid():
    rng, pairs = np.random.default_rng(0), Pairs()
    for size in ((2, 3, 4, 5), (1, 2, 3, 4, 5), (2, 1, 1, 3)):
        rank = len(size) - 2
        theta = rng.standard_normal((size[0], rank, rank + 1)).astype("float32")
        for corners in (True, False):
            pairs.run(f"{size} {corners}", lambda t: F.affine_grid(t, size, corners),
                      lambda t: TF.affine_grid(t, size, corners), [theta])
    pairs.check()


@pytest.mark.parametrize("call, match", [
    (lambda: F.grid_sample(mt.ones(1, 1, 2, 2), mt.ones(2, 2, 2, 2)), "at a grid of shape"),
    (lambda: F.grid_sample(mt.ones(1, 1, 2, 2), mt.ones(1, 2, 2, 3)), "at a grid of shape"),
    (lambda: F.grid_sample(mt.ones(1, 1, 2, 2), mt.ones(1, 2, 2, 2), "linear"), "no mode 'linear'"),
    (lambda: F.grid_sample(mt.ones(1, 1, 2, 2, 2), mt.ones(1, 2, 2, 2, 3), "bicubic"),
     "no mode 'bicubic' for 3"),
    (lambda: F.grid_sample(mt.ones(1, 1, 2, 2), mt.ones(1, 2, 2, 2), padding_mode="wrap"),
     "not 'wrap'"),
    (lambda: F.affine_grid(mt.ones(1, 2, 2), (1, 1, 2, 2)), r"expected \(1, 2, 3\)")])
def test_errors(call, match):
    with pytest.raises(ValueError, match=match):
        call()
