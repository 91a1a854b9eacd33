# SPDX-License-Identifier: Apache-2.0
"""SSD300: boxes and classes at six resolutions of VGG16 (Liu et al. 2016, arXiv:1512.02325).

Takes images [n, 3, 300, 300]; gives offsets [n, boxes, 4] and logits [n, boxes, classes], 8,732
boxes, before any choice among them. Other sizes, from 268, have another number of boxes.
"""
import mintor as mt
from mintor import nn

from vision.vgg import convolutions

CHANNELS = (512, 1024, 512, 256, 256, 256)      # of the six maps that boxes are predicted from
BOXES = (4, 6, 6, 6, 4, 4)                      # at each of their places


def _halved(channels, between, wanted, stride, padding):
    """A narrow 1x1 and a wide 3x3 convolution, to the next smaller map."""
    return nn.Sequential(nn.Conv2d(channels, between, 1), nn.ReLU(),
                         nn.Conv2d(between, wanted, 3, stride, padding), nn.ReLU())


class SSD300(nn.Module):
    def __init__(self, classes=21):
        super().__init__()
        self.classes = classes
        self.to_conv4_3 = nn.Sequential(
            *convolutions(3, (64, 64)), nn.MaxPool2d(2, 2),
            *convolutions(64, (128, 128)), nn.MaxPool2d(2, 2),
            *convolutions(128, (256, 256, 256)), nn.MaxPool2d(2, 2, ceil_mode=True),
            *convolutions(256, (512, 512, 512)))
        self.scale = nn.Parameter(mt.full((512,), 20.0))
        self.to_fc7 = nn.Sequential(
            nn.MaxPool2d(2, 2), *convolutions(512, (512, 512, 512)), nn.MaxPool2d(3, 1, 1),
            nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.ReLU(),
            nn.Conv2d(1024, 1024, 1), nn.ReLU())
        self.extras = nn.ModuleList([
            _halved(1024, 256, 512, 2, 1), _halved(512, 128, 256, 2, 1),
            _halved(256, 128, 256, 1, 0), _halved(256, 128, 256, 1, 0)])
        self.loc = nn.ModuleList([nn.Conv2d(channels, 4 * boxes, 3, padding=1)
                                  for channels, boxes in zip(CHANNELS, BOXES)])
        self.conf = nn.ModuleList([nn.Conv2d(channels, classes * boxes, 3, padding=1)
                                   for channels, boxes in zip(CHANNELS, BOXES)])

    def maps(self, x):
        """The six maps, largest first; the first is scaled to a learned norm at each place."""
        x = self.to_conv4_3(x)
        norm = x.pow(2).sum(1, keepdim=True).sqrt() + 1e-10
        made = [x / norm * self.scale.view(1, -1, 1, 1)]
        x = self.to_fc7(x)
        made.append(x)
        for extra in self.extras:
            x = extra(x)
            made.append(x)
        return made

    def forward(self, x):
        maps = self.maps(x)

        def rows(heads, size):
            made = [head(one).permute(0, 2, 3, 1).flatten(1) for head, one in zip(heads, maps)]
            return mt.cat(made, 1).view(x.shape[0], -1, size)
        return rows(self.loc, 4), rows(self.conf, self.classes)


def ssd300_vgg16(classes=21):
    return SSD300(classes)
