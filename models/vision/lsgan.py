# SPDX-License-Identifier: Apache-2.0
"""LSGAN: a generator of 64x64 images and its judge, least squares (Mao et al. 2016, 1611.04076).

The generator takes noise [n, 100], gives images [n, 3, 64, 64] in -1..1; the discriminator takes
such images, gives scores [n, 1] that the losses pull to 1 for real and to 0 for made ones. `width`
is the channels of the largest map; 64 in the paper's layout (DCGAN's).
"""
from mintor import nn

NOISE = 100


class Generator(nn.Module):
    def __init__(self, width=64, channels=3):
        super().__init__()
        layers, before = [], NOISE
        for factor, stride, padding in ((8, 1, 0), (4, 2, 1), (2, 2, 1), (1, 2, 1)):
            after = factor * width
            layers += [nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False),
                       nn.BatchNorm2d(after), nn.ReLU()]
            before = after
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(before, channels, 4, 2, 1), nn.Tanh())

    def forward(self, z):
        return self.body(z.view(z.shape[0], NOISE, 1, 1))


class Discriminator(nn.Module):
    def __init__(self, width=64, channels=3):
        super().__init__()
        layers = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for factor in (1, 2, 4):
            layers += [nn.Conv2d(factor * width, 2 * factor * width, 4, 2, 1, bias=False),
                       nn.BatchNorm2d(2 * factor * width), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4))

    def forward(self, x):
        return self.body(x).flatten(1)


class LSGAN(nn.Module):
    """Both as one module, which makes images: what a package of the training is made of."""

    def __init__(self, width=64, channels=3):
        super().__init__()
        self.generator = Generator(width, channels)
        self.discriminator = Discriminator(width, channels)

    def forward(self, z):
        return self.generator(z)

    def judged(self, z, real):
        """The discriminator's loss, which leaves the generator alone."""
        made = self.generator(z).detach()
        return discriminator_loss(self.discriminator(real), self.discriminator(made))

    def fooled(self, z):
        """The generator's loss."""
        return generator_loss(self.discriminator(self.generator(z)))


def discriminator_loss(real, made):
    """Of scores of real and of made images."""
    return ((real - 1) ** 2).mean() / 2 + (made ** 2).mean() / 2


def generator_loss(made):
    """Of scores of made images."""
    return ((made - 1) ** 2).mean() / 2
