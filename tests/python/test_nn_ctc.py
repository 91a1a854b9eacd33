# SPDX-License-Identifier: Apache-2.0
"""CTCLoss beside PyTorch's: repeated labels, unequal lengths, targets that do not fit.

Takes logits and targets; fails where a loss, or its gradient by the logits, differs.
"""
import numpy as np
import pytest
import torch
from torch_pairs import Pairs

import mintor as mt
import mintor.nn.functional as F
from mintor import nn

T, N, C, S = 7, 4, 5, 3
TARGETS = np.array([[1, 2, 3], [2, 2, 2], [4, 4, 0], [3, 0, 0]])
INPUTS, LENGTHS = np.array([7, 6, 5, 1]), np.array([3, 3, 2, 1])


def both(ours, theirs, targets, inputs, lengths):
    """Losses of logits, so that gradients are those of what is trained."""
    def mine(x):
        return ours(F.log_softmax(x, -1), targets, inputs, lengths)

    def other(x):
        return theirs(torch.log_softmax(x, -1), *(torch.tensor(one) for one in
                                                  (targets, inputs, lengths)))
    return mine, other


def test_beside_pytorch():
    rng, pairs = np.random.default_rng(0), Pairs()
    x = rng.standard_normal((T, N, C)).astype("float32")
    flat = np.concatenate([row[:size] for row, size in zip(TARGETS, LENGTHS)])
    for options in ({"reduction": "none"}, {"reduction": "sum"}, {}):
        for targets in (TARGETS, flat):
            pairs.run(f"{options} {targets.ndim}", *both(
                nn.CTCLoss(**options), torch.nn.CTCLoss(**options), targets, INPUTS, LENGTHS), [x])
    moved = np.where(TARGETS == 2, 0, TARGETS)      # another blank
    moved[2] = [4, 4, 1]
    pairs.run("blank", *both(nn.CTCLoss(2), torch.nn.CTCLoss(2), moved, INPUTS, LENGTHS), [x])
    pairs.run("empty target", *both(nn.CTCLoss(reduction="sum"), torch.nn.CTCLoss(reduction="sum"),
                                    TARGETS, INPUTS, np.array([3, 0, 2, 0])), [x])
    pairs.run("one sequence", *both(nn.CTCLoss(), torch.nn.CTCLoss(), TARGETS[0], np.array(7),
                                    np.array(3)), [x[:, 0]])
    pairs.run("one step", *both(nn.CTCLoss(), torch.nn.CTCLoss(), np.array([[1]]), np.array([1]),
                                np.array([1])), [x[:1, :1]])
    pairs.check()


def test_targets_that_do_not_fit():
    rng, pairs = np.random.default_rng(0), Pairs()
    x = rng.standard_normal((T, N, C)).astype("float32")
    short = np.array([7, 3, 2, 1])      # 2, 2, 2 needs 5 steps, 4, 4 needs 3
    losses = F.ctc_loss(F.log_softmax(mt.array(x), -1), TARGETS, short, LENGTHS, reduction="none")
    assert np.isinf(losses.numpy()).tolist() == [False, True, True, False]
    pairs.run("zero", *both(nn.CTCLoss(zero_infinity=True, reduction="sum"),
                            torch.nn.CTCLoss(zero_infinity=True, reduction="sum"),
                            TARGETS, short, LENGTHS), [x])
    pairs.check()


@pytest.mark.parametrize("call, match", [
    (lambda x: F.ctc_loss(x, TARGETS, INPUTS, LENGTHS, blank=9), "with the blank 9"),
    (lambda x: F.ctc_loss(x, TARGETS[:2], INPUTS, LENGTHS), "for 4 sequences"),
    (lambda x: F.ctc_loss(x, TARGETS, INPUTS, LENGTHS, reduction="max"), "not 'max'")])
def test_errors(call, match):
    with pytest.raises(ValueError, match=match):
        call(mt.zeros(T, N, C))
