# SPDX-License-Identifier: Apache-2.0
"""Trains LSGAN to draw coloured discs.

    models/train_lsgan.py [--steps 400] [--batch 32] [--width 16] [--curve loss.svg]
                          [--images made.ppm]

Takes nothing else; gives how far the made images are from drawn ones (sliced Wasserstein distance,
beside that of an untrained generator and of two sets of drawn ones), both losses as SVG, and made
images as a picture. Adam with the momentum of DCGAN.
"""
import argparse

import numpy

import mintor as mt
from mintor import optim
from vision.lsgan import NOISE, Discriminator, Generator, discriminator_loss, generator_loss
from vision.progress import Bar, write_curves
from vision.shapes import draw


def discs(rng, count):
    return draw(rng, count, 64, ("disc",))[0]


def noise(rng, count):
    return mt.array(rng.standard_normal((count, NOISE), "float32"))


def initialise(model):
    """DCGAN's: weights of convolutions from N(0, 0.02), scales of norms from N(1, 0.02)."""
    for name, weight in model.named_parameters():
        if name.endswith("weight"):
            mt.nn.init.normal_(weight, 0.0 if weight.ndim > 1 else 1.0, 0.02)
    return model


def train(generator, discriminator, steps, batch, rate=2e-3, seed=0):
    """{name: losses of the steps}."""
    rng, losses = numpy.random.default_rng(seed), {"discriminator": [], "generator": []}
    of_generator = optim.Adam(generator.parameters(), rate, betas=(0.5, 0.999))
    of_discriminator = optim.Adam(discriminator.parameters(), rate, betas=(0.5, 0.999))
    with Bar(steps) as bar:
        for step in range(1, steps + 1):
            made, real = generator(noise(rng, batch)), mt.array(discs(rng, batch))
            judged = discriminator_loss(discriminator(real), discriminator(made.detach()))
            of_discriminator.step(judged)
            fooled = generator_loss(discriminator(made))
            of_generator.step(fooled)
            losses["discriminator"].append(judged.item())
            losses["generator"].append(fooled.item())
            bar.at(step, f"discriminator {judged.item():.3f}  generator {fooled.item():.3f}")
    return losses


def images_of(generator, count=64, seed=2):
    """[count, 3, 64, 64] in -1..1, in evaluation."""
    generator.eval()
    with mt.no_grad():
        made = generator(noise(numpy.random.default_rng(seed), count)).numpy()
    generator.train()
    return made


def distance(one, other, directions=200):
    """Sliced Wasserstein: mean distance of the sorted shadows of two equally large sets of images,
    seen at 16x16 from random directions; 0 for equal sets.
    """
    shrunk = [images.reshape(len(images), 3, 16, 4, 16, 4).mean((3, 5)).reshape(len(images), -1)
              for images in (one, other)]
    along = numpy.random.default_rng(3).standard_normal((shrunk[0].shape[1], directions))
    along /= numpy.linalg.norm(along, axis=0)
    first, second = (numpy.sort(images @ along, axis=0) for images in shrunk)
    return float(abs(first - second).mean())


def write_images(path, images, across=8):
    """A sheet of images as PPM."""
    count, _, height, width = images.shape
    sheet = images[:count // across * across].reshape(-1, across, 3, height, width)
    sheet = sheet.transpose(0, 3, 1, 4, 2).reshape(-1, across * width, 3)
    with open(path, "wb") as file:
        file.write(f"P6 {sheet.shape[1]} {sheet.shape[0]} 255\n".encode())
        file.write(((sheet + 1) * 127.5).round().astype("uint8").tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--curve", help="an SVG file of the losses")
    parser.add_argument("--images", help="a PPM file of made images")
    arguments = parser.parse_args()
    mt.manual_seed(0)
    generator = initialise(Generator(arguments.width))
    discriminator = initialise(Discriminator(arguments.width))
    real = [discs(numpy.random.default_rng(seed), 64) for seed in (4, 5)]
    before = distance(images_of(generator), real[0])
    losses = train(generator, discriminator, arguments.steps, arguments.batch)
    made = images_of(generator)
    if arguments.curve:
        write_curves(arguments.curve, losses)
    if arguments.images:
        write_images(arguments.images, made)
    print(f"distance to drawn images {distance(made, real[0]):.3f} after {arguments.steps} steps; "
          f"untrained {before:.3f}, drawn ones among themselves {distance(*real):.3f}")


if __name__ == "__main__":
    main()
