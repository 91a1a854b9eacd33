# SPDX-License-Identifier: Apache-2.0
"""An LSTM layer beside PyTorch's, forward and a training step, by turns.

  recurrent.py [--threads N] [--rounds N]

Takes nothing else; gives a line per batch size: milliseconds (minimum / median) of both and the
ratio of medians, above 1 where Mintor is faster. 50 steps of 64 values, 128 units; the loss is the
mean of squares, the update SGD. Weights are PyTorch's.
"""
import argparse
import statistics
import time

import numpy as np
import torch

import mintor as mt
from mintor import nn

STEPS, INPUTS, UNITS = 50, 64, 128


def engines(batch):
    """(name, of torch, of mintor) of a forward pass and of a training step."""
    x = np.random.default_rng(0).standard_normal((STEPS, batch, INPUTS)).astype("float32")
    theirs, ours = torch.nn.LSTM(INPUTS, UNITS), nn.LSTM(INPUTS, UNITS)
    ours.load_state_dict({k: v.detach().numpy() for k, v in theirs.state_dict().items()})
    their_sgd = torch.optim.SGD(theirs.parameters(), 0.01)
    our_sgd = nn.SGD(ours.parameters(), 0.01)
    tensor = torch.from_numpy(x)

    def their_forward():
        with torch.no_grad():
            return theirs(tensor)[0].sum().item()

    def their_step():
        y, _ = theirs(tensor)
        loss = (y * y).mean()
        their_sgd.zero_grad()
        loss.backward()
        their_sgd.step()
        return loss.item()

    def our_forward():
        with mt.no_grad():
            return ours(mt.array(x))[0].sum().item()

    def our_step():
        y, _ = ours(mt.array(x))
        loss = (y * y).mean()
        our_sgd.step(loss)
        return loss.item()

    return [("forward", their_forward, our_forward), ("step", their_step, our_step)]


def seconds(function):
    before = time.perf_counter()
    function()
    return time.perf_counter() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    mt.set_num_threads(options.threads)
    for batch in (1, 8, 32):
        for name, theirs, ours in engines(batch):
            for _ in range(3):
                theirs(), ours()
            times = [(seconds(theirs), seconds(ours)) for _ in range(options.rounds)]
            their, our = zip(*times)
            ratio = statistics.median(their) / statistics.median(our)
            print(f"batch {batch:3} {name:8} PyTorch {min(their) * 1e3:.3f} / "
                  f"{statistics.median(their) * 1e3:.3f} ms, Mintor {min(our) * 1e3:.3f} / "
                  f"{statistics.median(our) * 1e3:.3f} ms, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
