# SPDX-License-Identifier: Apache-2.0
"""Twelve architectures whose shapes nobody tuned for, as PyTorch modules with weights from a seed.

Takes a name of MODELS; gives, by `make`, the module in eval mode and its inputs, the same on every
call. Sizes are odd on purpose: channels 48, 72, 136, images 193 and 257, sequences 77 and 211. Each
structure differs from those of models/zoo: squeeze and excite, groups, 7x7 depthwise convolutions,
transposed convolutions, convolutions over one axis, a GRU in both directions.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

SEED = 20261130


def unit(i, o, k=3, s=1, g=1, act=nn.ReLU, n=2):
    """Convolution, batch norm and `act` over n axes."""
    conv, norm = (nn.Conv1d, nn.BatchNorm1d) if n == 1 else (nn.Conv2d, nn.BatchNorm2d)
    return nn.Sequential(conv(i, o, k, s, k // 2, groups=g, bias=False), norm(o),
                         *([act()] if act else []))


def chain(block, i, stages, *more):
    """`block`(inputs, outputs, stride) for each (outputs, blocks, stride) of `stages`."""
    made = []
    for o, count, s in stages:
        for b in range(count):
            made.append(block(i, o, s if b == 0 else 1, *more))
            i = o
    return nn.Sequential(*made)


class Residual(nn.Module):
    """relu(body(x) + x), projected where the shape changes."""

    def __init__(self, body, i, o, s):
        super().__init__()
        self.body = body
        self.skip = unit(i, o, 1, s, act=None) if s != 1 or i != o else nn.Identity()

    def forward(self, x):
        return F.relu(self.body(x) + self.skip(x))


class Excite(nn.Module):
    """Squeeze and excite: channels scaled by a function of their means."""

    def __init__(self, c, m, gate=nn.Sigmoid):
        super().__init__()
        self.down, self.up, self.gate = nn.Conv2d(c, m, 1), nn.Conv2d(m, c, 1), gate()

    def forward(self, x):
        return x * self.gate(self.up(F.relu(self.down(x.mean((2, 3), keepdim=True)))))


def basic(i, o, s):
    return Residual(nn.Sequential(unit(i, o, 3, s), unit(o, o, act=None)), i, o, s)


def excited(i, o, s):
    return Residual(nn.Sequential(unit(i, o, 3, s), unit(o, o, act=None), Excite(o, o // 8)),
                    i, o, s)


def bottleneck(i, o, s, groups=1):
    m = o // 2 if groups > 1 else o // 4
    return Residual(nn.Sequential(unit(i, m, 1), unit(m, m, 3, s, groups), unit(m, o, 1, act=None)),
                    i, o, s)


class Classifier(nn.Module):
    def __init__(self, features, c, classes):
        super().__init__()
        self.features, self.fc = features, nn.Linear(c, classes)

    def forward(self, x):
        x = self.features(x)
        return self.fc(x.mean(tuple(range(2, x.dim()))))


def pooled(*more):
    return nn.Sequential(*more, nn.MaxPool2d(3, 2, 1))


class Inverted(nn.Module):
    """Expand, 5x5 depthwise, excite, project."""

    def __init__(self, i, o, s, t):
        super().__init__()
        h = i * t
        self.same = s == 1 and i == o
        self.body = nn.Sequential(unit(i, h, 1, act=nn.Hardswish),
                                  unit(h, h, 5, s, h, act=nn.Hardswish),
                                  Excite(h, h // 4, nn.Hardsigmoid), unit(h, o, 1, act=None))

    def forward(self, x):
        return x + self.body(x) if self.same else self.body(x)


class UNet(nn.Module):
    def __init__(self, channels=(24, 48, 72, 136)):
        super().__init__()

        def double(i, o):
            return nn.Sequential(unit(i, o), unit(o, o))
        down = zip((3, *channels), channels)
        up = zip(channels[:0:-1], channels[-2::-1])
        self.down = nn.ModuleList(double(i, o) for i, o in down)
        self.up = nn.ModuleList(double(i + o, o) for i, o in up)
        self.out = nn.Conv2d(channels[0], 5, 1)

    def forward(self, x):
        kept = []
        for block in self.down:
            x = block(F.max_pool2d(x, 2) if kept else x)
            kept.append(x)
        for block, side in zip(self.up, kept[-2::-1]):
            x = block(torch.cat([F.interpolate(x, side.shape[2:]), side], 1))
        return self.out(x)


class Attention(nn.Module):
    def __init__(self, d, heads, bias):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(d, 3 * d, bias), nn.Linear(d, d, bias)

    def forward(self, x):
        n, s, d = x.shape
        q, k, v = self.qkv(x).view(n, s, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.out(y.transpose(1, 2).reshape(n, s, d))


class Gelu(nn.Sequential):
    def __init__(self, d, h):
        super().__init__(nn.Linear(d, h), nn.GELU(), nn.Linear(h, d))


class Gated(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.gate, self.up, self.down = (nn.Linear(i, o, False)
                                         for i, o in ((d, h), (d, h), (h, d)))

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class RootMean(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * self.weight


class Encoder(nn.Module):
    """Layers that normalise before attention and before the two-layer network."""

    def __init__(self, layers, d, heads, h, norm, feed, bias=True):
        super().__init__()
        self.norms = nn.ModuleList(norm(d) for _ in range(2 * layers + 1))
        self.attention = nn.ModuleList(Attention(d, heads, bias) for _ in range(layers))
        self.feed = nn.ModuleList(feed(d, h) for _ in range(layers))

    def forward(self, x):
        for i, (attention, feed) in enumerate(zip(self.attention, self.feed)):
            x = x + attention(self.norms[2 * i](x))
            x = x + feed(self.norms[2 * i + 1](x))
        return self.norms[-1](x)


class Dilated(nn.Module):
    """A residual pair of convolutions along one axis, the first dilated."""

    def __init__(self, c, k, d):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(c, c, k, padding=k // 2 * d, dilation=d, bias=False), nn.BatchNorm1d(c),
            nn.ReLU(), unit(c, c, 1, act=None, n=1))

    def forward(self, x):
        return F.relu(x + self.body(x))


def line():
    return Classifier(nn.Sequential(
        unit(1, 48, 9, 4, n=1), *(Dilated(48, 5, d) for d in (1, 2, 4)), unit(48, 72, 5, 2, n=1),
        *(Dilated(72, 5, d) for d in (1, 2, 4)), unit(72, 136, 5, 2, n=1),
        *(Dilated(136, 5, d) for d in (1, 2, 4, 8))), 136, 35)


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.front = unit(40, 72, 5, n=1)
        self.gru = nn.GRU(72, 136, 2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(272, 29)

    def forward(self, x):
        y, _ = self.gru(self.front(x).transpose(1, 2))
        return self.out(y)


class Wide(nn.Module):
    """7x7 depthwise convolution, layer norm over channels, two layers, residual."""

    def __init__(self, i, o, s):
        super().__init__()
        self.enter = nn.Conv2d(i, o, s, s) if s != 1 or i != o else nn.Identity()
        self.depth = nn.Conv2d(o, o, 7, padding=3, groups=o)
        self.norm, self.feed = nn.LayerNorm(o), Gelu(o, 4 * o)
        self.scale = nn.Parameter(torch.ones(o))

    def forward(self, x):
        x = self.enter(x)
        y = self.feed(self.norm(self.depth(x).permute(0, 2, 3, 1))) * self.scale
        return x + y.permute(0, 3, 1, 2)


class Decoder(nn.Module):
    """A vector to an image, by transposed convolutions."""

    def __init__(self, channels=(272, 136, 72, 48)):
        super().__init__()
        self.channels = channels
        self.fc = nn.Linear(96, channels[0] * 35)
        self.up = nn.Sequential(*(nn.Sequential(
            nn.ConvTranspose2d(i, o, k, 2, 1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.1),
            unit(o, o)) for i, o, k in zip(channels, channels[1:], (4, 3, 4))))
        self.out = nn.ConvTranspose2d(channels[-1], 3, 4, 2, 1)

    def forward(self, x):
        return torch.tanh(self.out(self.up(self.fc(x).view(-1, self.channels[0], 5, 7))))


MODELS = {
    "basic_193": (lambda: Classifier(nn.Sequential(
        pooled(unit(3, 48, 5, 2)),
        chain(basic, 48, ((48, 2, 1), (104, 2, 2), (136, 2, 2), (272, 2, 2)))), 272, 100),
        (1, 3, 193, 193)),
    "bottleneck_257": (lambda: Classifier(nn.Sequential(
        pooled(unit(3, 40, 7, 2)),
        chain(bottleneck, 40, ((192, 2, 1), (288, 3, 2), (544, 4, 2), (1088, 2, 2)))), 1088, 100),
        (1, 3, 257, 257)),
    "excited_161": (lambda: Classifier(nn.Sequential(
        unit(3, 48, 3, 2),
        chain(excited, 48, ((72, 2, 2), (136, 3, 2), (200, 2, 2)))), 200, 64), (2, 3, 161, 161)),
    "grouped_193": (lambda: Classifier(nn.Sequential(
        pooled(unit(3, 48, 7, 2)),
        chain(bottleneck, 48, ((144, 2, 1), (288, 2, 2), (576, 3, 2)), 12)), 576, 100),
        (1, 3, 193, 193)),
    "mobile_193": (lambda: Classifier(nn.Sequential(
        unit(3, 24, 3, 2, act=nn.Hardswish),
        chain(Inverted, 24, ((40, 2, 2), (72, 3, 2), (136, 3, 2)), 4), unit(136, 408, 1)),
        408, 100), (1, 3, 193, 193)),
    "unet_257": (UNet, (1, 3, 129, 257)),
    "wide_193": (lambda: Classifier(
        chain(Wide, 3, ((48, 2, 4), (104, 2, 2), (208, 4, 2), (416, 2, 2))), 416, 100),
        (1, 3, 193, 193)),
    "decoder_108": (Decoder, (1, 96)),
    "encoder_77": (lambda: Encoder(4, 288, 6, 1152, nn.LayerNorm, Gelu), (1, 77, 288)),
    "gated_211": (lambda: Encoder(4, 360, 5, 968, RootMean, Gated, False), (1, 211, 360)),
    "line_8003": (line, (1, 1, 8003)),
    "gru_211": (Gru, (1, 40, 211)),
}


def _fill(net, generator):
    """Weights by their fan-in, norms near 1, biases near 0."""
    for name, p in net.named_parameters():
        if p.dim() == 1:
            if name.endswith("weight") or name.endswith("scale"):
                p.uniform_(0.5, 1.2, generator=generator)
            else:
                p.normal_(0, 0.1, generator=generator)
        else:
            p.normal_(0, math.sqrt(1.5 / p[0].numel()), generator=generator)


def _settle(net, inputs, generator):
    """Statistics of batch norms: those of one batch, disturbed."""
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for m in norms:
        m.momentum = 1.0
    net.train()
    net(*(torch.cat([x, x.flip(-1)]) for x in inputs))
    for m in norms:
        m.momentum = 0.1
        deviation = m.running_var.clamp_min(1e-3).sqrt()
        m.running_mean += 0.2 * deviation * torch.randn(deviation.shape, generator=generator)
        m.running_var *= 0.7 + 0.7 * torch.rand(deviation.shape, generator=generator)
    net.eval()


@torch.no_grad()
def make(name):
    build, shape = MODELS[name]
    generator = torch.Generator().manual_seed(SEED)
    net = build()
    _fill(net, generator)
    inputs = (torch.randn(shape, generator=generator),)
    _settle(net, inputs, generator)
    return net, inputs
