# SPDX-License-Identifier: Apache-2.0
"""A small convolutional network (1x28x28, two convolutions, two dense layers), by functions and an
update by hand.

Takes nothing; gives a line of JSON: seconds since the process started to the first loss, of a step
at batch 64, and of the first steps at other batch sizes.
"""
import json
import os
import time

started = time.time() - float(os.environ.get("MINTOR_PERF_STARTED", time.time()))
begin = time.perf_counter()
import numpy as np  # noqa: E402

import mintor as mt  # noqa: E402
from mintor.nn import functional as F  # noqa: E402

rng = np.random.default_rng(0)


def parameter(*shape, fan):
    return mt.array((rng.standard_normal(shape) / np.sqrt(fan)).astype("float32"))


parameters = {"c1": parameter(32, 1, 5, 5, fan=25), "b1": mt.zeros(32),
              "c2": parameter(64, 32, 5, 5, fan=800), "b2": mt.zeros(64),
              "f1": parameter(64 * 49, 256, fan=3136), "d1": mt.zeros(256),
              "f2": parameter(256, 10, fan=256), "d2": mt.zeros(10)}


def loss_of(p, x, target):
    x = F.max_pool2d(mt.relu(F.conv2d(x, p["c1"], p["b1"], padding=2)), 2)
    x = F.max_pool2d(mt.relu(F.conv2d(x, p["c2"], p["b2"], padding=2)), 2)
    x = mt.relu(mt.matmul(x.reshape(x.shape[0], -1), p["f1"]) + p["d1"])
    return F.cross_entropy(mt.matmul(x, p["f2"]) + p["d2"], target)


def step(p, batch):
    x = mt.array(rng.standard_normal((batch, 1, 28, 28)).astype("float32"))
    loss = loss_of(p, x, mt.array(rng.integers(0, 10, batch)))
    slopes = mt.grad(loss, p)
    return loss, {name: p[name] - 0.01 * slopes[name] for name in p}


times = {}
for name, batch in [("first", 64)] + [("64", 64)] * 10 + [("48", 48), ("32", 32), ("50", 50)]:
    before = time.perf_counter()
    loss, parameters = step(parameters, batch)
    loss.item()
    now = time.perf_counter()
    times.setdefault(name, []).append(now - before)
    if name == "first":
        since_start = started + now - begin
print(json.dumps({"first_loss_since_start": since_start, "step_64": min(times["64"]),
                  "first_of_48": times["48"][0], "first_of_32": times["32"][0],
                  "first_of_50": times["50"][0], "compiled": mt.compile_stats()["compiled"]}))
