# SPDX-License-Identifier: Apache-2.0
"""Weights that lie as their kernels want them: nobody sees it but by the time that a step takes.

Takes small networks of convolutions; fails where a value, or its bits, depend on when it was read,
assigned or used by another program, and where programs are compiled again and again.
"""
import numpy as np
import pytest

import mintor as mt
from mintor import nn, optim
import mintor.nn.functional as F

RNG = np.random.RandomState(0)
X, Y = RNG.randn(5, 6, 9, 8).astype("float32"), RNG.randint(0, 3, 5)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = nn.Conv2d(6, 20, 3, padding=1)
        self.grouped = nn.Conv2d(20, 20, (3, 1), groups=4, bias=False)
        self.norm = nn.BatchNorm2d(20)
        self.wider = nn.ConvTranspose2d(20, 7, 2, stride=2)
        self.line = nn.Conv1d(7, 4, 5)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.norm(self.grouped(F.relu(self.plain(x)))))
        x = self.wider(x).flatten(2)
        return self.head(self.line(x).mean(2))


OPTIMIZERS = {"sgd": lambda p: optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.01),
              "adam": lambda p: optim.Adam(p, 0.01, amsgrad=True)}


def trained(name, steps, between=lambda net, optimizer, step: None):
    mt.manual_seed(3)
    net = Net()
    optimizer = OPTIMIZERS[name](net.parameters())
    for step in range(steps):
        optimizer.step(F.cross_entropy(net(mt.array(X)), mt.array(Y)))
        between(net, optimizer, step)
    return {key: value.numpy() for key, value in net.state_dict().items()}


def read_all(net, optimizer, step):  # pylint: disable=unused-argument
    for value in net.state_dict().values():
        value.numpy()


def use_elsewhere(net, optimizer, step):  # pylint: disable=unused-argument
    net.eval()
    with mt.no_grad():
        net(mt.array(X)).numpy()
    (net.plain.weight * 2 + net.plain.weight.sum((2, 3), keepdims=True)).numpy()
    net.train()


def write_back(net, optimizer, step):
    if step % 2:
        net.load_state_dict({key: value.numpy() for key, value in net.state_dict().items()})
    else:
        net.plain.weight.data = net.plain.weight.numpy()
        optimizer.load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("between", [read_all, use_elsewhere, write_back])
def test_what_is_done_between_steps_changes_no_bit(name, between):
    expected = trained(name, 4)
    for key, value in trained(name, 4, between).items():
        np.testing.assert_array_equal(value, expected[key], key)


def test_steps_in_turns_with_other_programs_compile_nothing():
    counts = []

    def between(net, optimizer, step):
        use_elsewhere(net, optimizer, step)
        counts.append(mt.compile_stats()["compiled"])
    trained("sgd", 9, between)
    assert counts[-1] == counts[5], counts


def test_two_networks_that_learn_from_each_other():
    def gan(read):
        mt.manual_seed(5)
        maker = nn.Sequential(nn.Conv2d(6, 9, 3, padding=1), nn.ReLU(),
                              nn.Conv2d(9, 6, 3, padding=1))
        judge = nn.Sequential(nn.Conv2d(6, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 7 * 6, 1))
        of_maker = optim.Adam(maker.parameters(), 0.01)
        of_judge = optim.Adam(judge.parameters(), 0.01)
        losses, counts = [], []
        for _ in range(7):
            real = mt.array(X)
            loss = ((judge(real) - 1) ** 2).mean() + (judge(maker(real).detach()) ** 2).mean()
            of_judge.step(loss)
            other = ((judge(maker(real)) - 1) ** 2).mean()
            of_maker.step(other)
            if read:
                losses.append(loss.item())
                for p in (*maker.parameters(), *judge.parameters()):
                    p.numpy()
            counts.append(mt.compile_stats()["compiled"])
        losses.append(loss.item())
        return losses[-1], counts
    (first, _), (second, counts) = gan(True), gan(False)
    assert first == second
    assert counts[-1] == counts[4], counts


def test_a_network_learns_after_it_was_used():
    mt.manual_seed(3)
    net = Net()
    before = net(mt.array(X)).numpy()
    optimizer = optim.SGD(net.parameters(), 0.0)
    for _ in range(2):
        optimizer.step(F.cross_entropy(net(mt.array(X)), mt.array(Y)))
    np.testing.assert_array_equal(net(mt.array(X)).numpy(), before)
