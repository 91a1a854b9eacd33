# SPDX-License-Identifier: Apache-2.0
"""VGG16: thirteen 3x3 convolutions and three dense layers (Simonyan and Zisserman 2014).

Takes images [n, 3, h, w], with h and w rounded down to multiples of 32; gives logits [n, classes].
The dense layers fit one size of images, 224 unless told.
"""
from mintor import nn

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def convolutions(channels, widths, batch_norm=False):
    """Layers of 3x3 convolutions with ReLU, one for each width, as a list."""
    layers = []
    for width in widths:
        layers.append(nn.Conv2d(channels, width, 3, padding=1))
        layers += [nn.BatchNorm2d(width)] if batch_norm else []
        layers.append(nn.ReLU())
        channels = width
    return layers


class VGG16(nn.Module):
    def __init__(self, classes=1000, batch_norm=False, image_size=224):
        super().__init__()
        layers, channels = [], 3
        for widths in STAGES:
            layers += [*convolutions(channels, widths, batch_norm), nn.MaxPool2d(2, 2)]
            channels = widths[-1]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(channels * (image_size // 32) ** 2, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, classes))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def vgg16(classes=1000, image_size=224):
    return VGG16(classes, False, image_size)


def vgg16_bn(classes=1000, image_size=224):
    return VGG16(classes, True, image_size)
