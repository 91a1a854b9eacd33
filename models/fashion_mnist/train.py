# SPDX-License-Identifier: Apache-2.0
"""Trains the classifier, and writes its training as a package.

  train.py DIR [--epochs 8] [--batch 128] [--width 16] [--steps 200] [--expect 0.91] [--torch]

Takes DIR with the data (data.py). Gives in DIR: `trainer/`, a package of the untrained net with
`train_step`, `grads` and `apply`; `losses_python.txt`, the losses of the first steps on batches as
they lie in the file; `trained.safetensors` and `loss.svg` after `--epochs`. With --torch: PyTorch
trains the same net for the same epochs, and nothing is written. Keeps true: exit status 1 where the
accuracy on the test images is below --expect.
"""
import argparse
import pathlib
import sys
import time

import numpy

import data
import net

RATE = 0.002


def bar(done, of, text):
    if sys.stderr.isatty() or done == of:
        filled = 30 * done // of
        print(f"\r[{'#' * filled}{'.' * (30 - filled)}] {text}", end="\n" if done == of else "",
              file=sys.stderr, flush=True)


class WithMintor:
    """A net, its optimizer and a step, in Mintor."""

    def __init__(self, width):
        import mintor as mt
        self.mt = mt
        mt.manual_seed(1)
        self.net = net.make_net(mt.nn, width)
        self.start()

    def start(self):
        self.optimizer = self.mt.optim.Adam(self.net.parameters(), lr=RATE)

    def step(self, images, labels, rate):
        self.optimizer.param_groups[0]["lr"] = rate
        loss = self.mt.nn.functional.cross_entropy(self.net(self.mt.array(images)),
                                                   self.mt.array(labels))
        self.optimizer.step(loss)
        return loss.item()

    def scores(self, images):
        with self.mt.no_grad():
            return self.net(self.mt.array(images)).numpy()


class WithTorch:
    """The same in PyTorch."""

    def __init__(self, width):
        import torch
        self.torch = torch
        torch.manual_seed(1)
        self.net = net.make_net(torch.nn, width)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=RATE)

    def step(self, images, labels, rate):
        self.optimizer.param_groups[0]["lr"] = rate
        loss = self.torch.nn.functional.cross_entropy(self.net(self.torch.from_numpy(images)),
                                                      self.torch.from_numpy(labels))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def scores(self, images):
        with self.torch.no_grad():
            return self.net(self.torch.from_numpy(images)).numpy()


def accuracy(side, images, labels):
    side.net.eval()
    right = sum(int((side.scores(images[n:n + 500]).argmax(1) == labels[n:n + 500]).sum())
                for n in range(0, len(images), 500))
    side.net.train()
    return right / len(images)


def train(side, folder, epochs, batch):
    """Losses of all steps; prints accuracy and seconds of each epoch."""
    images, labels = data.read(folder, "train")
    held = data.read(folder, "t10k")
    order, steps = numpy.random.default_rng(0), len(images) // batch
    losses, right = [], 0.0
    for epoch in range(epochs):
        places, begin = order.permutation(len(images)), time.perf_counter()
        for n in range(steps):
            # From RATE down to 0, as half a cosine.
            rate = RATE * 0.5 * (1 + numpy.cos(numpy.pi * (epoch * steps + n) / (epochs * steps)))
            chosen = places[n * batch:(n + 1) * batch]
            losses.append(side.step(images[chosen], labels[chosen], float(rate)))
            bar(n + 1, steps, f"epoch {epoch + 1} of {epochs}, loss {losses[-1]:.3f}")
        seconds = time.perf_counter() - begin
        right = accuracy(side, *held)
        print(f"epoch {epoch + 1}: {seconds:.1f} s, accuracy {100 * right:.2f} %", flush=True)
    return losses, right


def write_curve(path, losses):
    """The losses as an SVG: a point is the mean of as many steps as give 200 points."""
    each = max(1, len(losses) // 200)
    means = [sum(losses[n:n + each]) / each for n in range(0, len(losses) - each + 1, each)]
    most = max(means)
    points = " ".join(f"{20 + 560 * n / max(1, len(means) - 1):.1f},{280 - 260 * y / most:.1f}"
                      for n, y in enumerate(means))
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 300">\n'
        '<path d="M20 20V280H580" fill="none" stroke="gray"/>\n'
        f'<polyline points="{points}" fill="none" stroke="navy"/>\n'
        f'<text x="24" y="18">{most:.2f}: loss, {len(losses)} steps</text>\n</svg>\n')


def write_package(side, folder, images, labels):
    side.mt.export(side.net, images, folder / "trainer", train=True,
                   loss=side.mt.nn.functional.cross_entropy, targets=labels,
                   optimizer=side.optimizer,
                   shapes={"images": ["batch", 28, 28], "target": ["batch"]})


def write_trained(side, folder):
    """The net as the package's own checkpoint: what the optimizer keeps starts anew."""
    package = side.mt.load(folder / "trainer")
    for name, value in side.net.state_dict().items():
        package.set_parameter(name, value.numpy())
    package.save_parameters(folder / "trained.safetensors")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--expect", type=float, default=0.91)
    parser.add_argument("--torch", action="store_true")
    given = parser.parse_args()
    if given.torch:
        train(WithTorch(given.width), given.folder, given.epochs, given.batch)
        return
    side = WithMintor(given.width)
    images, labels = data.read(given.folder, "train")
    write_package(side, given.folder, images[:given.batch], labels[:given.batch])
    start = {name: value.numpy() for name, value in side.net.state_dict().items()}
    draws = side.mt.random.default_generator.get_state()
    firsts = []
    for n in range(given.steps):
        batch = slice(n * given.batch, (n + 1) * given.batch)
        firsts.append(side.step(images[batch], labels[batch], RATE))
    (given.folder / "losses_python.txt").write_text("".join(f"{x.hex()}\n" for x in firsts))
    side.net.load_state_dict(start)
    side.mt.random.default_generator.set_state(draws)
    side.start()
    losses, right = train(side, given.folder, given.epochs, given.batch)
    write_curve(given.folder / "loss.svg", losses)
    write_trained(side, given.folder)
    if right < given.expect:
        sys.exit(f"the accuracy is {right:.4f}, expected {given.expect}")


if __name__ == "__main__":
    main()
