# SPDX-License-Identifier: Apache-2.0
"""Layers against PyTorch's: values, gradients by inputs and parameters, buffers, names of state.

Takes tables of layers with small inputs, a table a family; what a row is there for is in what its
arguments are.
"""
import numpy
import pytest
import torch

import mintor as mt
import random_layers
from mintor import nn
from torch_pairs import Pairs, inputs_of, layer_pair

LINE, IMAGE, VOLUME = (2, 4, 9), (2, 4, 7, 6), (2, 4, 5, 4, 3)
INDICES = numpy.array([[1, 0, 3], [2, 2, 0]])
X = (3, 4)

# (name, arguments, options, shapes of inputs)
CONVOLUTIONS = [
    ("Conv1d", (4, 6, 3), {}, [LINE]),
    ("Conv1d", (4, 6, 4), {"padding": "same", "dilation": 2, "bias": False}, [LINE]),
    ("Conv1d", (4, 6, 3), {"padding": 2, "padding_mode": "circular"}, [(4, 9)]),
    ("Conv2d", (4, 6, 3), {"stride": 2, "padding": 1}, [IMAGE]),
    ("Conv2d", (4, 6, (3, 2)), {"groups": 2, "dilation": (1, 2), "padding": (2, 1)}, [IMAGE]),
    ("Conv2d", (4, 8, 3), {"groups": 4, "padding": "same"}, [IMAGE]),
    ("Conv2d", (4, 2, 1), {"padding": "valid"}, [IMAGE]),
    ("Conv2d", (4, 2, 3), {"padding": 1, "padding_mode": "reflect"}, [IMAGE]),
    ("Conv2d", (4, 2, 3), {"padding": (1, 2), "padding_mode": "replicate"}, [IMAGE]),
    ("Conv2d", (4, 2, (2, 3)), {"padding": "same", "padding_mode": "circular"}, [IMAGE]),
    ("Conv2d", (4, 2, 3), {}, [(4, 5, 5)]),
    ("Conv2d", (20, 1, 3), {"padding": 1}, [(2, 20, 7, 6)]),       # tiles of one column, of three
    ("Conv2d", (20, 3, 5), {"stride": 2, "padding": 2}, [(2, 20, 7, 6)]),
    ("Conv3d", (4, 2, 2), {"stride": (1, 2, 1), "padding": 1}, [VOLUME]),
    ("ConvTranspose1d", (4, 3, 3), {"stride": 2}, [LINE]),
    ("ConvTranspose1d", (4, 3, 3), {"stride": 2, "output_padding": 1, "padding": 1}, [(4, 5)]),
    ("ConvTranspose2d", (4, 3, 2), {"stride": 2}, [IMAGE]),
    ("ConvTranspose2d", (20, 1, 4), {"stride": 2, "padding": 1}, [(2, 20, 4, 3)]),
    ("ConvTranspose2d", (4, 6, 3), {"stride": (2, 3), "padding": 1, "output_padding": (1, 2),
                                    "groups": 2}, [(2, 4, 3, 3)]),
    ("ConvTranspose2d", (4, 2, 3), {"dilation": 2, "bias": False, "output_padding": 1},
     [(2, 4, 3, 3)]),
    ("ConvTranspose3d", (4, 2, 2), {"stride": 2, "padding": (0, 1, 0)}, [(1, 4, 2, 3, 2)]),
]
POOLS = [
    ("MaxPool1d", (3,), {"stride": 2, "padding": 1}, [LINE]),
    ("MaxPool2d", (2,), {}, [IMAGE]),
    ("MaxPool2d", (3, 2, 1), {"ceil_mode": True}, [IMAGE]),
    ("MaxPool2d", ((2, 3),), {"stride": 1, "dilation": 2}, [IMAGE]),
    ("MaxPool3d", (2,), {"ceil_mode": True}, [VOLUME]),
    ("AvgPool1d", (3,), {"padding": 1, "count_include_pad": False}, [LINE]),
    ("AvgPool1d", (4, 3), {"ceil_mode": True}, [(4, 9)]),
    ("AvgPool2d", (3, 2, 1), {}, [IMAGE]),
    ("AvgPool2d", (3, 2, 1), {"count_include_pad": False}, [IMAGE]),
    ("AvgPool2d", (3, 2, 1, True), {}, [IMAGE]),
    ("AvgPool2d", (3, 2, 1, True, False), {}, [IMAGE]),
    ("AvgPool2d", ((2, 3),), {"divisor_override": 5, "ceil_mode": True}, [IMAGE]),
    ("AvgPool3d", (2,), {"padding": 1}, [VOLUME]),
    ("LPPool2d", (2, 3), {"stride": 2}, [IMAGE]),
    ("AdaptiveAvgPool1d", (4,), {}, [LINE]),
    ("AdaptiveAvgPool2d", (1,), {}, [IMAGE]),
    ("AdaptiveAvgPool2d", ((3, None),), {}, [IMAGE]),
    ("AdaptiveAvgPool2d", ((9, 4),), {}, [IMAGE]),
    ("AdaptiveAvgPool3d", ((2, 3, 2),), {}, [VOLUME]),
    ("AdaptiveMaxPool1d", (2,), {}, [(4, 9)]),
    ("AdaptiveMaxPool2d", ((3, 4),), {}, [IMAGE]),
    ("AdaptiveMaxPool2d", ((7, 2),), {}, [IMAGE]),
    ("AdaptiveMaxPool3d", (2,), {}, [VOLUME]),
]
NORMALISATIONS = [
    ("BatchNorm1d", (4,), {}, [LINE]),
    ("BatchNorm1d", (4,), {"affine": False}, [(5, 4)]),
    ("BatchNorm2d", (4,), {"momentum": 0.3, "eps": 0.1}, [IMAGE]),
    ("BatchNorm2d", (4,), {"momentum": None}, [IMAGE]),
    ("BatchNorm2d", (4,), {"track_running_stats": False}, [IMAGE]),
    ("BatchNorm3d", (4,), {"affine": False}, [VOLUME]),
    ("BatchNorm2d", (4,), {"bias": False}, [IMAGE]),
    ("GroupNorm", (2, 4), {"bias": False}, [IMAGE]),
    ("InstanceNorm2d", (4,), {"affine": True, "bias": False}, [IMAGE]),
    ("LayerNorm", (6,), {}, [IMAGE]),
    ("LayerNorm", ((7, 6),), {"eps": 0.1}, [IMAGE]),
    ("LayerNorm", (6,), {"bias": False}, [IMAGE]),
    ("LayerNorm", (6,), {"elementwise_affine": False}, [IMAGE]),
    ("RMSNorm", (6,), {}, [IMAGE]),
    ("RMSNorm", ((7, 6),), {"eps": 0.01, "elementwise_affine": False}, [IMAGE]),
    ("GroupNorm", (2, 4), {}, [IMAGE]),
    ("GroupNorm", (2, 8), {"affine": False}, [(3, 8)]),
    ("GroupNorm", (1, 4), {"eps": 0.1}, [LINE]),
    ("InstanceNorm1d", (4,), {}, [LINE]),
    ("InstanceNorm1d", (4,), {"affine": True}, [(4, 9)]),
    ("InstanceNorm2d", (4,), {"affine": True}, [IMAGE]),
    ("InstanceNorm2d", (4,), {"track_running_stats": True, "momentum": 0.2}, [IMAGE]),
    ("InstanceNorm3d", (4,), {"affine": True, "track_running_stats": True}, [VOLUME]),
    ("LocalResponseNorm", (3,), {"alpha": 0.5, "k": 2.0}, [IMAGE]),
    ("LocalResponseNorm", (2,), {"alpha": 0.5}, [IMAGE]),       # more before than behind
]
ACTIVATIONS = [(name, given, options, [shape]) for name, given, options, shape in [
    ("CELU", (1.5,), {}, X), ("ELU", (), {"alpha": 0.7}, X), ("GELU", (), {}, X),
    ("GELU", ("tanh",), {}, X), ("GLU", (), {}, X), ("GLU", (1,), {}, IMAGE),
    ("Hardshrink", (0.3,), {}, X), ("Hardsigmoid", (), {}, X), ("Hardswish", (), {}, X),
    ("Hardtanh", (-0.5, 0.8), {}, X), ("LeakyReLU", (0.2,), {}, X), ("LogSigmoid", (), {}, X),
    ("LogSoftmax", (1,), {}, IMAGE), ("Mish", (), {}, X), ("PReLU", (), {}, X),
    ("PReLU", (4,), {"init": 0.1}, IMAGE), ("ReLU", (), {}, X), ("ReLU6", (), {}, X),
    ("SELU", (), {}, X), ("SiLU", (), {}, X), ("Sigmoid", (), {}, X), ("Softmax", (-1,), {}, X),
    ("Softmax2d", (), {}, IMAGE), ("Softmin", (1,), {}, X),
    ("Softplus", (), {"beta": 2.0, "threshold": 1.0}, X), ("Softplus", (), {}, X),
    ("Softshrink", (0.3,), {}, X), ("Softsign", (), {}, X), ("Tanh", (), {}, X),
    ("Tanhshrink", (), {}, X), ("Threshold", (0.1, -3.0), {}, X)]]
ACTIVATIONS += [("RReLU", (), {}, [X])]
OTHERS = [
    ("Linear", (4, 3), {}, [(2, 5, 4)]),
    ("Linear", (4, 3), {"bias": False}, [(4,)]),
    ("Bilinear", (4, 3, 2), {}, [(5, 4), (5, 3)]),
    ("Bilinear", (4, 3, 2), {"bias": False}, [(2, 3, 4), (2, 3, 3)]),
    ("Identity", (1, "ignored"), {}, [X]),
    ("Embedding", (5, 3), {}, [INDICES]),
    ("Embedding", (5, 3), {"padding_idx": 2}, [INDICES]),
    ("Embedding", (5, 3), {"padding_idx": -5, "max_norm": 1.0}, [INDICES]),
    ("Flatten", (), {}, [IMAGE]),
    ("Flatten", (0, 1), {}, [IMAGE]),
    ("Unflatten", (1, (2, 2)), {}, [IMAGE]),
    ("PixelShuffle", (2,), {}, [IMAGE]),
    ("PixelUnshuffle", (2,), {}, [(2, 3, 4, 6)]),
    ("ChannelShuffle", (2,), {}, [IMAGE]),
    ("Unfold", ((2, 3),), {"padding": 1, "stride": 2, "dilation": (1, 2)}, [IMAGE]),
    ("Fold", ((5, 6), (2, 3)), {"padding": 1, "stride": 2}, [(2, 12, 9)]),
    ("CosineSimilarity", (), {}, [IMAGE, IMAGE]),
    ("PairwiseDistance", (), {"p": 1.0, "keepdim": True}, [X, X]),
    ("PairwiseDistance", (), {}, [X, X]),
]
PADDINGS = [(f"{kind}Pad{rank}d", (tuple(range(1, 1 + 2 * rank)) if rank < 3 else
                                   (1, 2, 0, 1, 2, 1),) + more, {}, [shape])
            for kind, more in (("Constant", (1.5,)), ("Zero", ()), ("Reflection", ()),
                               ("Replication", ()), ("Circular", ()))
            for rank, shape in ((1, LINE), (2, (2, 3, 7, 6)), (3, VOLUME))]
PADDINGS += [("ZeroPad2d", ((-1, 2, 1, -2),), {}, [IMAGE]),
             ("ConstantPad1d", (2, -1.0), {}, [LINE])]
RESIZED = [("Upsample", (), options, [shape]) for shape, options in [
    (IMAGE, {"scale_factor": 2}), (IMAGE, {"size": (5, 9)}), (LINE, {"scale_factor": 1.7}),
    (VOLUME, {"scale_factor": (1, 2, 0.6)}), (IMAGE, {"size": (5, 9), "mode": "nearest-exact"}),
    (LINE, {"scale_factor": 1.7, "mode": "linear"}),
    (LINE, {"size": 5, "mode": "linear", "align_corners": True}),
    (IMAGE, {"scale_factor": 2, "mode": "bilinear"}),
    (IMAGE, {"size": (5, 9), "mode": "bilinear"}),
    (IMAGE, {"scale_factor": (2, 1.5), "mode": "bilinear", "align_corners": True}),
    (IMAGE, {"scale_factor": 1.3, "mode": "bilinear", "recompute_scale_factor": True}),
    (IMAGE, {"scale_factor": 1.5, "mode": "bilinear"}),     # 1.5 * 7 is no integer
    ((2, 4, 3, 7), {"scale_factor": 1.3, "mode": "bilinear"}),     # 3 stays 3
    ((2, 4, 3, 7), {"scale_factor": 1.3, "mode": "bicubic"}),
    (IMAGE, {"scale_factor": 1.5, "mode": "bicubic"}),
    (IMAGE, {"scale_factor": 2, "mode": "bicubic"}),
    (IMAGE, {"size": (4, 11), "mode": "bicubic", "align_corners": True}),
    (VOLUME, {"scale_factor": 2, "mode": "trilinear"}),
    (VOLUME, {"size": (3, 5, 2), "mode": "trilinear", "align_corners": True}),
    (IMAGE, {"size": 3, "mode": "area"})]]
RESIZED += [("UpsamplingBilinear2d", (), {"scale_factor": 2}, [IMAGE]),
            ("UpsamplingNearest2d", ((9, 4),), {}, [IMAGE])]


@pytest.mark.parametrize("rows", [CONVOLUTIONS, POOLS, NORMALISATIONS, OTHERS, PADDINGS, RESIZED],
                         ids="conv pool norm others padding resized".split())
def test_layers_are_those_of_torch(rows):
    pairs = Pairs()
    for name, given, options, shapes in rows:
        pairs.layer(name, given, options, shapes,
                    modes=(True, False) if "Norm" in name else (False,))
    pairs.check()


def test_activations_are_those_of_torch():
    pairs = Pairs()
    for name, given, options, shapes in ACTIVATIONS:
        pairs.layer(name, given, options, shapes, modes=(False,))
    pairs.check()


@pytest.mark.parametrize("name, given, options, sizes", [
    ("Conv2d", (4, 4, 3), {"padding": 1}, [(7, 6), (10, 8), (13, 12), (15, 14)]),
    ("BatchNorm2d", (4,), {}, [(7, 6), (10, 8), (13, 12), (15, 14)]),
    ("AdaptiveAvgPool2d", (1,), {}, [(7, 6), (10, 8), (13, 12), (15, 14)]),
    ("AdaptiveMaxPool2d", (2,), {}, [(7, 6), (4, 9)]),
    ("Upsample", (), {"scale_factor": 1.5, "mode": "bicubic"}, [(7, 6), (4, 9), (5, 5)])])
def test_sizes_that_change(name, given, options, sizes):
    pairs, counts = Pairs(), []
    ours, theirs = layer_pair(name, *given, **options)
    for batch, size in zip((2, 9, 5, 11), sizes):
        x, = inputs_of([(batch, 4, *size)])
        before = mt.compile_stats()["compiled"]
        got = ours(mt.array(x))
        got.numpy()
        counts.append(mt.compile_stats()["compiled"] - before)
        pairs.expect(f"{name} {x.shape}", got, theirs(torch.tensor(x)))
    pairs.check()
    if len(sizes) == 4:         # then a program for sizes in general is there
        assert counts[2:] == [0, 0]


def test_no_images_at_all():
    for layer in (nn.Conv2d(4, 2, 3), nn.MaxPool2d(2), nn.BatchNorm2d(4).eval(), nn.Flatten(),
                  nn.AdaptiveAvgPool2d(3), nn.Upsample(scale_factor=2)):
        assert layer(mt.zeros(0, 4, 6, 6)).numpy().shape[0] == 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_dtypes(dtype):
    x, results = mt.array(inputs_of([IMAGE])[0], dtype), []
    for layer in (nn.Conv2d(4, 4, 3), nn.ConvTranspose2d(4, 4, 3, 2), nn.BatchNorm2d(4),
                  nn.GroupNorm(2, 4), nn.LayerNorm(6), nn.RMSNorm(6), nn.PReLU(), nn.GELU(),
                  nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(3), nn.Dropout(),
                  nn.Upsample(scale_factor=1.5, mode="bilinear"), nn.Linear(6, 3)):
        y = layer.to(dtype)(x)
        results += [y, mt.grad((y * y).sum(), x)]
    for one in results:
        assert one.dtype == x.dtype and numpy.isfinite(one.numpy().astype("float64")).all()


def test_bags_of_rows():
    pairs, offsets = Pairs(), numpy.array([0, 2, 2])
    table = numpy.array([1, 0, 3, 2, 2, 0])
    samples = numpy.random.default_rng(1).standard_normal((6,)).astype("float32")
    for options in ({"mode": "sum"}, {"mode": "mean"}, {"mode": "max"},
                    {"mode": "mean", "padding_idx": 0}, {"mode": "max", "padding_idx": 2},
                    {"mode": "sum", "padding_idx": 2}):
        ours, theirs = layer_pair("EmbeddingBag", 5, 3, **options)
        weights = ours.parameters(), list(theirs.parameters())
        pairs.run(f"{options} of rows", ours, theirs, [INDICES], weights)
        pairs.run(f"{options} with offsets", lambda x: ours(x, offsets),
                  lambda x: theirs(x, torch.tensor(offsets)), [table], weights)
    ours, theirs = layer_pair("EmbeddingBag", 5, 3, mode="sum", include_last_offset=True)
    ends = numpy.array([0, 2, 6])
    pairs.run("weights", lambda x: ours(mt.array(table), ends, x),
              lambda x: theirs(torch.tensor(table), torch.tensor(ends), x), [samples],
              (ours.parameters(), list(theirs.parameters())))
    pairs.check()


def test_pools_and_back():
    pairs = Pairs()
    for rank, shape, options in ((1, LINE, {"stride": 3, "padding": 1}), (2, IMAGE, {}),
                                 (2, IMAGE, {"stride": 1, "dilation": 2}),
                                 (2, (4, 7, 6), {"stride": 2, "padding": 1, "ceil_mode": True}),
                                 (3, VOLUME, {})):
        ours, theirs = layer_pair(f"MaxPool{rank}d", 2 if rank == 3 else 3, return_indices=True,
                                  **options)
        x, = inputs_of([shape])
        got, wanted = ours(mt.array(x)), theirs(torch.tensor(x))
        assert got[1].dtype == "int64"
        pairs.expect(f"{rank} {options}", got, wanted)
        sizes = shape[-rank:]
        back, other = layer_pair(f"MaxUnpool{rank}d", 2 if rank == 3 else 3,
                                 options.get("stride"), options.get("padding", 0))
        if "dilation" not in options and not options.get("ceil_mode"):
            pairs.run(f"back {rank} {options}", lambda y: back(y, got[1], sizes),
                      lambda y: other(y, wanted[1], output_size=sizes), [wanted[0].numpy()])
    pairs.check()


def test_adaptive_pools_with_places():
    """With equal elements too, of which the first counts."""
    pairs = Pairs()
    for rank, shape, sizes in ((1, LINE, 3), (2, IMAGE, (2, None)), (2, IMAGE, 1),
                               (2, IMAGE, (4, 3)), (2, IMAGE[1:], 2), (3, VOLUME, (2, 1, 3))):
        ours, theirs = layer_pair(f"AdaptiveMaxPool{rank}d", sizes, return_indices=True)
        for x in (*inputs_of([shape]), inputs_of([shape])[0].round()):
            got = ours(mt.array(x))
            assert got[1].dtype == "int64"
            pairs.expect(f"{rank} {sizes}", got, theirs(torch.tensor(x)))
    pairs.check()


@pytest.mark.parametrize("seed", range(4))
def test_random_layers(seed):
    assert random_layers.check(seed) is None
