# SPDX-License-Identifier: Apache-2.0
"""DeepLabV3 on ResNet-50: a class for each pixel (Chen et al. 2017, arXiv:1706.05587).

Takes images [n, 3, h, w]; gives logits [n, classes, h, w]. The last two stages of the ResNet are
dilated, so that features have an eighth of the resolution; five branches look at them with
different reach, the last at their mean (without batch norm: one pixel has no statistics).
"""
import mintor as mt
from mintor import nn
import mintor.nn.functional as F

from vision.resnet import Bottleneck, ResNet


def _branch(channels, wanted, kernel, dilation=1):
    padding = dilation if kernel == 3 else 0
    return nn.Sequential(
        nn.Conv2d(channels, wanted, kernel, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(wanted), nn.ReLU())


def _resized(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class DeepLabV3(nn.Module):
    def __init__(self, classes=21):
        super().__init__()
        self.backbone = ResNet(Bottleneck, (3, 4, 6, 3), classes=0, dilate=(False, True, True))
        self.branches = nn.ModuleList([
            _branch(2048, 256, 1), _branch(2048, 256, 3, 12), _branch(2048, 256, 3, 24),
            _branch(2048, 256, 3, 36)])
        self.pooled = nn.Conv2d(2048, 256, 1)
        self.project = _branch(5 * 256, 256, 1)
        self.head = _branch(256, 256, 3)
        self.out = nn.Conv2d(256, classes, 1)

    def forward(self, x):
        features = self.backbone.features(x)
        mean = F.relu(self.pooled(F.adaptive_avg_pool2d(features, 1)))
        seen = [branch(features) for branch in self.branches]
        seen.append(_resized(mean, features.shape[-2:]))
        made = self.out(self.head(self.project(mt.cat(seen, 1))))
        return _resized(made, x.shape[-2:])


def deeplabv3_resnet50(classes=21):
    return DeepLabV3(classes)
