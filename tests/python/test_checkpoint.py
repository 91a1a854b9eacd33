# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: the same bits, with less memory.

Takes small models; compares the bits of training with and without, and the peak of a process.
"""
import subprocess
import sys

import numpy

import mintor as mt
from mintor import Module, nn

PEAK = """
import sys, numpy, mintor as mt
from mintor import nn
def peak():                                 # of this process, not of whoever started it
    return next(int(line.split()[1]) for line in open("/proc/self/status") if "VmHWM" in line)
blocks = [(nn.Linear(16, 2048), nn.Linear(2048, 16)) for _ in range(8)]
block = lambda i, y: blocks[i][1](mt.tanh(blocks[i][0](y)))
y, before = mt.array(numpy.ones((8000, 16), "float32")), peak()
for i in range(8):
    y = mt.checkpoint(block, i, y) if sys.argv[1] == "with" else block(i, y)
mt.grad(y.sum(), [p for pair in blocks for m in pair for p in m.parameters()])[0].numpy()
print((peak() - before) // 1024)
"""


class Block(Module):
    def __init__(self, width, inner):
        self.a, self.b = nn.Linear(width, inner), nn.Linear(inner, width)

    def execute(self, x):
        return self.b(mt.tanh(self.a(x))) + x * mt.rand(1, x.shape[1])


def values(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape).astype("float32")


def losses(checkpoint, steps=4):
    mt.manual_seed(5)
    blocks = [Block(6, 20) for _ in range(3)]
    parameters = [one for block in blocks for one in block.parameters()]
    optim, found, compiled = nn.SGD(parameters, 0.05, momentum=0.9), [], None
    for step in range(steps):
        y = mt.array(values(7, 6, seed=step))
        for block in blocks:
            y = mt.checkpoint(block, y) if checkpoint else block(y)
        loss = (y * y).mean()
        optim.step(loss)
        found.append(loss.numpy().tobytes())
        if step == 1:
            compiled = mt.compile_stats()["compiled"]
    return found + [one.numpy().tobytes() for one in parameters], \
        mt.compile_stats()["compiled"] - compiled


def test_training_has_the_same_bits_and_compiles_once():
    without, _ = losses(False)
    made, compiled = losses(True, steps=4)
    assert made == without and compiled == 0


def test_structures_closures_and_gradients_of_gradients():
    w, x = mt.array([0.5, -1.0]), mt.array([2.0, 3.0])
    part = lambda v, k: {"y": mt.sin(v * w) * k, "n": 3, "i": mt.array([1, 2])}
    made = mt.checkpoint(part, x, 2.0)
    assert made["n"] == 3 and made["i"].tolist() == [1, 2]

    def slopes(y):
        first = mt.grad(y.sum(), [x, w], create_graph=True)
        return first + mt.grad((first[0] * first[1]).sum(), [x, w])
    for one, other in zip(slopes(made["y"]), slopes(part(x, 2.0)["y"])):
        numpy.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5)


def test_parameters_that_changed_meanwhile_do_not_matter():
    w = nn.Parameter([2.0])
    x = mt.array([3.0])
    y = mt.checkpoint(lambda v: v * w * w, x)
    y.item()
    w.assign(mt.array([10.0]))
    assert mt.grad(y, x).item() == 4


def test_nested_and_without_gradients():
    x = mt.array([0.3])
    inner = lambda v: mt.exp(mt.sin(v))
    outer = lambda v: mt.checkpoint(inner, v * 2) * v
    numpy.testing.assert_array_equal(mt.grad(mt.checkpoint(outer, x), x).numpy(),
                                     mt.grad(inner(x * 2) * x, x).numpy())
    with mt.no_grad():
        assert mt.checkpoint(inner, x).item() == inner(x).item()
    assert mt.checkpoint(lambda: 3) == 3


def test_less_memory():
    peak = {how: int(subprocess.run([sys.executable, "-c", PEAK, how], check=True, text=True,
                                    capture_output=True).stdout) for how in ("with", "without")}
    assert peak["with"] < 0.75 * peak["without"]
