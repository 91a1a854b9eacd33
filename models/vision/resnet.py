# SPDX-License-Identifier: Apache-2.0
"""ResNet: residual networks of 18, 34 and 50 layers (He et al. 2015, arXiv:1512.03385).

Takes images [n, 3, h, w], h and w at least 33 while training; gives logits [n, classes]. A stage
that is dilated keeps its resolution and spreads the taps of its 3x3 convolutions instead; only
networks of `Bottleneck` blocks may be.
"""
from mintor import nn
import mintor.nn.functional as F


def _shortcut(channels, wanted, stride):
    """What makes an input the shape of the block's output: nothing, or a 1x1 convolution."""
    if stride == 1 and channels == wanted:
        return None
    return nn.Sequential(nn.Conv2d(channels, wanted, 1, stride, bias=False),
                         nn.BatchNorm2d(wanted))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(self, channels, width, stride=1, dilation=1):
        super().__init__()
        if dilation != 1:
            raise ValueError("BasicBlock is not dilated; use Bottleneck")
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.down = _shortcut(channels, width, stride)

    def forward(self, x):
        made = F.relu(self.bn1(self.conv1(x)))
        made = self.bn2(self.conv2(made))
        return F.relu(made + (x if self.down is None else self.down(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; stride and dilation lie on the 3x3."""

    expansion = 4

    def __init__(self, channels, width, stride=1, dilation=1):
        super().__init__()
        wanted = self.expansion * width
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, wanted, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wanted)
        self.down = _shortcut(channels, wanted, stride)

    def forward(self, x):
        made = F.relu(self.bn1(self.conv1(x)))
        made = F.relu(self.bn2(self.conv2(made)))
        made = self.bn3(self.conv3(made))
        return F.relu(made + (x if self.down is None else self.down(x)))


class ResNet(nn.Module):
    """`counts`: blocks of each stage; `dilate`: of stages 2 to 4; `classes` 0: no classifier."""

    def __init__(self, block, counts, classes=1000, dilate=(False, False, False)):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels, dilation, stages = 64, 1, []
        for stage, (width, count) in enumerate(zip((64, 128, 256, 512), counts)):
            first, stride = dilation, 1
            if stage > 0 and dilate[stage - 1]:
                dilation *= 2
            elif stage > 0:
                stride = 2
            blocks = [block(channels, width, stride, first)]
            channels = width * block.expansion
            blocks += [block(channels, width, 1, dilation) for _ in range(count - 1)]
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.fc = nn.Linear(channels, classes) if classes else None

    def features(self, x):
        """[n, 512 * expansion, h / 32, w / 32], twice as large for each dilated stage."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in self.stages:
            x = stage(x)
        return x

    def forward(self, x):
        return self.fc(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


def resnet18(classes=1000):
    return ResNet(BasicBlock, (2, 2, 2, 2), classes)


def resnet34(classes=1000):
    return ResNet(BasicBlock, (3, 4, 6, 3), classes)


def resnet50(classes=1000):
    return ResNet(Bottleneck, (3, 4, 6, 3), classes)
