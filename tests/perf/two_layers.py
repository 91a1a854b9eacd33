# SPDX-License-Identifier: Apache-2.0
"""The two-layer model, as its users write it, with times.

Takes nothing; gives a line of JSON: seconds to import Mintor, to the first loss from before that,
of the steps after the second, and of the same loop without the model.
"""
import json
import sys
import time

import numpy as np

begin = time.perf_counter()
import mintor as mt  # noqa: E402
from mintor import Module, nn  # noqa: E402

imported = time.perf_counter()


class Model(Module):
    def __init__(self):
        self.layer1 = nn.Linear(1, 10)
        self.relu = nn.Relu()
        self.layer2 = nn.Linear(10, 1)

    def execute(self, x):
        x = self.layer1(x)
        x = self.relu(x)
        x = self.layer2(x)
        return x


def get_data(n):
    for _ in range(n):
        x = np.random.rand(batch_size, 1)
        y = x * x
        yield mt.float32(x), mt.float32(y)


n, batch_size = 1002, 50
model = Model()
learning_rate = 0.1
optim = nn.SGD(model.parameters(), learning_rate)
texts = []
for i, (x, y) in enumerate(get_data(n)):
    pred_y = model(x)
    loss = (pred_y - y) ** 2
    loss_mean = loss.mean()
    optim.step(loss_mean)
    texts.append(f"step {i}, loss = {loss_mean.data.sum()}")
    if i == 0:
        first = time.perf_counter()
    if i == 1:
        second = time.perf_counter()
steps = time.perf_counter() - second
begin_loop = time.perf_counter()
for x, y in get_data(1000):
    pass
loop = time.perf_counter() - begin_loop
with open("/proc/self/maps", encoding="utf-8") as maps:
    llvm = "libLLVM" in maps.read()
print(json.dumps({"import": imported - begin, "first_loss": first - begin, "1000_steps": steps,
                  "1000_steps_without_model": loop, "last": texts[-1], "libLLVM": llvm,
                  "compiled": mt.compile_stats()["compiled"]}))
sys.exit(0)
