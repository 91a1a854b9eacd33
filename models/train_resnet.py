# SPDX-License-Identifier: Apache-2.0
"""Trains ResNet-18 to tell drawn shapes apart.

    models/train_resnet.py [--steps 200] [--batch 32] [--size 64] [--curve loss.svg] [--save FILE]

Takes nothing else; gives the share of new images that are classified well, the loss as SVG and the
weights. SGD with momentum, one cycle of the rate.
"""
import argparse

import numpy

import mintor as mt
from mintor import optim
import mintor.nn.functional as F
from vision.progress import Bar, write_curves
from vision.resnet import resnet18
from vision.shapes import KINDS, draw


def train(model, steps, batch, size, rate=0.05, seed=0):
    """Losses of the steps."""
    rng, losses = numpy.random.default_rng(seed), []
    optimizer = optim.SGD(model.parameters(), rate, momentum=0.9, weight_decay=5e-4)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
    with Bar(steps) as bar:
        for step in range(1, steps + 1):
            images, classes = draw(rng, batch, size)
            loss = F.cross_entropy(model(mt.array(images)), mt.array(classes))
            optimizer.step(loss)
            schedule.step()
            losses.append(loss.item())
            bar.at(step, f"loss {losses[-1]:.3f}")
    return losses


def accuracy(model, count=300, batch=50, size=64, seed=1):
    """Share of new images whose class is found, in evaluation."""
    rng, right = numpy.random.default_rng(seed), 0
    model.eval()
    with mt.no_grad():
        for _ in range(count // batch):
            images, classes = draw(rng, batch, size)
            right += int((model(mt.array(images)).argmax(1) == mt.array(classes)).sum())
    model.train()
    return right / (count // batch * batch)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--curve", help="an SVG file of the loss")
    parser.add_argument("--save", help="a .npz file for the weights")
    arguments = parser.parse_args()
    mt.manual_seed(0)
    model = resnet18(len(KINDS))
    losses = train(model, arguments.steps, arguments.batch, arguments.size)
    if arguments.curve:
        write_curves(arguments.curve, {"loss": losses})
    if arguments.save:
        numpy.savez(arguments.save, **{name: one.numpy() for name, one in
                                       model.state_dict().items()})
    print(f"accuracy {accuracy(model, size=arguments.size):.3f} of {len(KINDS)} shapes after "
          f"{arguments.steps} steps")


if __name__ == "__main__":
    main()
