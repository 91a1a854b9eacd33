# SPDX-License-Identifier: Apache-2.0
"""Losses against PyTorch's, with every reduction and option, and at the values where they go wrong.

Takes a table of losses and inputs; compares values and gradients.
"""
import numpy
import pytest
import torch

import mintor as mt
from mintor import nn
from torch_pairs import Pairs

RNG = numpy.random.default_rng(0)
CLASSES = numpy.array([1, 0, 3, 2, 1])
SIGNS = numpy.array([1.0, -1.0, 1.0, -1.0, -1.0], "float32")
P = RNG.uniform(0.05, 0.95, (5, 4)).astype("float32")
SOFT = numpy.exp(P) / numpy.exp(P).sum(1, keepdims=True)
WEIGHT = numpy.array([0.5, 1.0, 2.0, 0.1], "float32")
IMAGE_CLASSES = RNG.integers(0, 4, (2, 3, 2))
MANY = numpy.array([[3, 0, -1, 1], [1, -1, 2, 0], [0, 1, 2, 3], [-1, 2, 3, 0], [2, 3, -1, -1]])
X, Y, BATCH = (5, 4), RNG.standard_normal((5, 4)).astype("float32"), (5,)

# (name, options, inputs); arrays among options go to each library as its own
LOSSES = [
    ("L1Loss", {}, [X, Y]),
    ("MSELoss", {}, [X, Y]),
    ("SmoothL1Loss", {"beta": 0.7}, [X, Y]),
    ("SmoothL1Loss", {"beta": 0.0}, [X, Y]),
    ("HuberLoss", {"delta": 0.6}, [X, Y]),
    ("CrossEntropyLoss", {}, [X, CLASSES]),
    ("CrossEntropyLoss", {"weight": WEIGHT}, [X, CLASSES]),
    ("CrossEntropyLoss", {"ignore_index": 1}, [X, CLASSES]),
    ("CrossEntropyLoss", {"weight": WEIGHT, "ignore_index": 1, "label_smoothing": 0.2},
     [X, CLASSES]),
    ("CrossEntropyLoss", {"label_smoothing": 0.3, "ignore_index": 0}, [X, CLASSES]),
    ("CrossEntropyLoss", {}, [X, SOFT]),
    ("CrossEntropyLoss", {"weight": WEIGHT, "label_smoothing": 0.1}, [X, SOFT]),
    ("CrossEntropyLoss", {"weight": WEIGHT}, [(2, 4, 3, 2), IMAGE_CLASSES]),
    ("CrossEntropyLoss", {}, [(4,), numpy.array(2)]),
    ("NLLLoss", {}, [X, CLASSES]),
    ("NLLLoss", {"weight": WEIGHT, "ignore_index": 3}, [X, CLASSES]),
    ("NLLLoss", {}, [(2, 4, 3, 2), IMAGE_CLASSES]),
    ("BCELoss", {}, [P, SOFT]),
    ("BCELoss", {"weight": WEIGHT}, [P, SOFT]),
    ("BCEWithLogitsLoss", {}, [X, P]),
    ("BCEWithLogitsLoss", {"weight": WEIGHT, "pos_weight": WEIGHT * 3}, [X, P]),
    ("KLDivLoss", {}, [X, SOFT]),
    ("KLDivLoss", {"log_target": True}, [X, numpy.log(SOFT)]),
    ("HingeEmbeddingLoss", {"margin": 0.5}, [BATCH, SIGNS]),
    ("MarginRankingLoss", {"margin": 0.3}, [BATCH, BATCH, SIGNS]),
    ("SoftMarginLoss", {}, [BATCH, SIGNS]),
    ("MultiMarginLoss", {}, [X, CLASSES]),
    ("MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": WEIGHT}, [X, CLASSES]),
    ("MultiLabelMarginLoss", {}, [X, MANY]),
    ("MultiLabelSoftMarginLoss", {"weight": WEIGHT}, [X, (P > 0.5).astype("float32")]),
    ("TripletMarginLoss", {}, [X, X, Y]),
    ("TripletMarginLoss", {"margin": 2.0, "p": 1.0, "swap": True}, [X, Y, P]),
    ("CosineEmbeddingLoss", {"margin": 0.2}, [X, Y, SIGNS]),
    ("GaussianNLLLoss", {}, [X, Y, P]),
    ("GaussianNLLLoss", {"full": True, "eps": 0.3}, [X, Y, P[:, :1]]),
    ("PoissonNLLLoss", {}, [X, P * 5]),
    ("PoissonNLLLoss", {"full": True}, [X, P * 5]),
    ("PoissonNLLLoss", {"log_input": False}, [P, P[::-1] * 5]),
]


def both(options):
    """The options for each library."""
    return ({name: mt.array(one) if isinstance(one, numpy.ndarray) else one
             for name, one in options.items()},
            {name: torch.tensor(one) if isinstance(one, numpy.ndarray) else one
             for name, one in options.items()})


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_are_those_of_torch(reduction):
    pairs = Pairs()
    for name, options, given in LOSSES:
        own, other = both({**options, "reduction": reduction})
        ours, theirs = getattr(nn, name)(**own), getattr(torch.nn, name)(**other)
        assert list(ours.state_dict()) == list(theirs.state_dict())
        rng = numpy.random.default_rng(3)
        inputs = [one if isinstance(one, numpy.ndarray) else
                  rng.standard_normal(one).astype("float32") for one in given]
        inputs = [one.copy() for one in inputs]
        # Targets get no gradient: PyTorch refuses some.
        first = len(inputs) - 1 if name not in ("TripletMarginLoss", "GaussianNLLLoss") else \
            len(inputs)
        rest = inputs[first:]
        pairs.run(f"{name}{options}",
                  lambda *x: ours(*x, *(mt.array(one) for one in rest)),
                  lambda *x: theirs(*x, *(torch.tensor(one) for one in rest)), inputs[:first])
    pairs.check()


def test_batchmean_and_older_keywords():
    x, y = mt.array(Y), mt.array(SOFT)
    got = nn.KLDivLoss(reduction="batchmean")(x, y)
    wanted = torch.nn.KLDivLoss(reduction="batchmean")(torch.tensor(Y), torch.tensor(SOFT))
    assert got.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert nn.functional.mse_loss(x, y, size_average=False).item() == \
        nn.MSELoss(reduction="sum")(x, y).item()
    assert nn.MSELoss(reduce=False)(x, y).shape == (5, 4)
    assert nn.MSELoss()(input=x, target=y).item() == \
        nn.functional.mse_loss(input=x, target=y).item() == nn.MSELoss()(x, y).item()
    assert nn.CrossEntropyLoss(None, False)(x, CLASSES).item() == \
        nn.CrossEntropyLoss(reduction="sum")(x, CLASSES).item()


def test_where_losses_go_wrong():
    pairs = Pairs()
    edge = numpy.array([0.0, 1.0, 0.0, 1.0, 0.3], "float32")
    target = numpy.array([0.0, 1.0, 1.0, 0.0, 1.0], "float32")
    pairs.run("BCELoss at 0 and 1", lambda x: nn.BCELoss(reduction="none")(x, mt.array(target)),
              lambda x: torch.nn.BCELoss(reduction="none")(x, torch.tensor(target)), [edge],
              gradients=False)
    large = numpy.array([1e4, -1e4, 80.0, -80.0, 0.0], "float32")
    pairs.run("BCEWithLogitsLoss far out", lambda x: nn.BCEWithLogitsLoss()(x, mt.array(target)),
              lambda x: torch.nn.BCEWithLogitsLoss()(x, torch.tensor(target)), [large])
    logits = numpy.array([[1e4, -1e4, 0.0], [0.0, 200.0, -200.0]], "float32")
    classes = numpy.array([1, 1])
    pairs.run("CrossEntropyLoss far out",
              lambda x: nn.CrossEntropyLoss()(x, mt.array(classes)),
              lambda x: torch.nn.CrossEntropyLoss()(x, torch.tensor(classes)), [logits])
    zeros = numpy.zeros((2, 3), "float32")
    pairs.run("cosine of zeros", lambda x: nn.functional.cosine_similarity(x, mt.ones(2, 3)),
              lambda x: torch.nn.functional.cosine_similarity(x, torch.ones(2, 3)), [zeros],
              gradients=False)
    pairs.check()
    x = mt.array(edge)
    slope = mt.grad(nn.BCELoss()(x, mt.array(target)), x).numpy()
    assert numpy.isfinite(slope).all()
    x = mt.array(zeros)
    assert numpy.isfinite(mt.grad(nn.CosineEmbeddingLoss()(x, mt.ones(2, 3), mt.ones(2)),
                                  x).numpy()).all()
    # Everything ignored: 0 / 0, as PyTorch has it.
    assert numpy.isnan(nn.CrossEntropyLoss(ignore_index=1)(mt.array(logits), classes).item())


@pytest.mark.parametrize("make, text", [
    (lambda: nn.MSELoss(reduction="avg")(mt.ones(2), mt.ones(2)), "no reduction 'avg'; mean"),
    (lambda: nn.CrossEntropyLoss()(mt.ones(2, 3), mt.array([1, 2, 0])),
     r"target has the shape \(3,\), expected \(2,\) for x of shape \(2, 3\)"),
    (lambda: nn.BCELoss()(mt.ones(2), mt.ones(2, 1)),
     r"target has the shape \(2, 1\), expected \(2,\)"),
    (lambda: nn.CrossEntropyLoss(label_smoothing=2.0)(mt.ones(2, 3), mt.array([1, 2])),
     "label_smoothing is 2.0"),
    (lambda: nn.NLLLoss()(mt.ones(2, 3), mt.array([0.0, 1.0])), "classes of dtype float32"),
    (lambda: nn.HuberLoss(delta=0)(mt.ones(2), mt.ones(2)), "delta is 0, expected more than 0"),
    (lambda: nn.MultiMarginLoss(p=3)(mt.ones(2, 3), mt.array([0, 1])), "p is 1 or 2, not 3"),
    (lambda: nn.CrossEntropyLoss()(mt.ones(2, 3), mt.array([1, 3])), "class 3 of 3"),
])
def test_errors(make, text):
    with pytest.raises((ValueError, IndexError), match=text):
        make()
