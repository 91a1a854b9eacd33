# SPDX-License-Identifier: Apache-2.0
"""The measured models, as plain PyTorch modules with weights from a fixed seed.

Takes: a name of `ZOO`. Gives: `make(name)` -> (module in eval mode, tuple of inputs), the same on
every call.
Keeps true: no weight is downloaded. A batch norm gets the statistics of one random batch,
disturbed, and a random scale and shift, so that folding is put to the test while activations stay
finite and outputs are not constant. The `tiny_*` models have the structure of their big sisters
at a size that a test can run on every level.
"""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2015)."""

    expansion = 1

    def __init__(self, i, c, stride=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, c, 3, stride, 1, bias=False), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c)
        self.down = None
        if stride != 1 or i != c:
            self.down = nn.Sequential(nn.Conv2d(i, c, 1, stride, bias=False), nn.BatchNorm2d(c))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.down is None else self.down(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions and a shortcut; the stride lies on the 3x3."""

    expansion = 4

    def __init__(self, i, c, stride=1):
        super().__init__()
        o = 4 * c
        self.conv1, self.bn1 = nn.Conv2d(i, c, 1, bias=False), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = nn.Conv2d(c, c, 3, stride, 1, bias=False), nn.BatchNorm2d(c)
        self.conv3, self.bn3 = nn.Conv2d(c, o, 1, bias=False), nn.BatchNorm2d(o)
        self.down = None
        if stride != 1 or i != o:
            self.down = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.down is None else self.down(x)))


class ResNet(nn.Module):
    def __init__(self, block, counts, widths=(64, 128, 256, 512), classes=1000):
        super().__init__()
        i = widths[0]
        self.conv1, self.bn1 = nn.Conv2d(3, i, 7, 2, 3, bias=False), nn.BatchNorm2d(i)
        stages = []
        for s, (c, n) in enumerate(zip(widths, counts, strict=False)):
            blocks = []
            for b in range(n):
                blocks.append(block(i, c, 2 if s > 0 and b == 0 else 1))
                i = c * block.expansion
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.fc = nn.Linear(i, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for s in self.stages:
            x = s(x)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Vgg16(nn.Module):
    def __init__(self):
        super().__init__()
        layers, i = [], 3
        for c in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
            if c == 0:
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(i, c, 3, padding=1), nn.ReLU()]
                i = c
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(25088, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 1000),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def conv_bn(i, o, k, s=1, g=1, act=True):
    mods = [nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*(mods + ([nn.ReLU6()] if act else [])))


class Inverted(nn.Module):
    """Widen, depthwise 3x3, narrow (Sandler et al. 2018)."""

    def __init__(self, i, o, s, t):
        super().__init__()
        h = i * t
        self.skip = s == 1 and i == o
        mods = [conv_bn(i, h, 1)] if t != 1 else []
        self.body = nn.Sequential(*mods, conv_bn(h, h, 3, s, h), conv_bn(h, o, 1, act=False))

    def forward(self, x):
        y = self.body(x)
        return x + y if self.skip else y


MOBILENET_V2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class MobileNetV2(nn.Module):
    def __init__(self, rows=MOBILENET_V2, first=32, last=1280, classes=1000):
        super().__init__()
        mods, i = [conv_bn(3, first, 3, 2)], first
        for t, c, n, s in rows:
            for b in range(n):
                mods.append(Inverted(i, c, s if b == 0 else 1, t))
                i = c
        mods.append(conv_bn(i, last, 1))
        self.features = nn.Sequential(*mods)
        self.fc = nn.Linear(last, classes)

    def forward(self, x):
        return self.fc(self.features(x).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.h, self.dh = heads, d // heads
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))

    def forward(self, x, mask=None):
        b, s, d = x.shape
        q, k, v = (
            f(x).view(b, s, self.h, self.dh).transpose(1, 2) for f in (self.q, self.k, self.v)
        )
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.o(y.transpose(1, 2).reshape(b, s, d))


class Bert(nn.Module):
    """An encoder with a padding mask, layer norms after each sub-layer, exact GELU (Devlin et al.
    2018)."""

    def __init__(self, layers, d, heads, ff, vocab=30522):
        super().__init__()
        self.word, self.pos, self.kind = (
            nn.Embedding(vocab, d),
            nn.Embedding(512, d),
            nn.Embedding(2, d),
        )
        self.norm = nn.LayerNorm(d, eps=1e-12)
        self.att = nn.ModuleList([Attention(d, heads) for _ in range(layers)])
        self.n1 = nn.ModuleList([nn.LayerNorm(d, eps=1e-12) for _ in range(layers)])
        self.f1 = nn.ModuleList([nn.Linear(d, ff) for _ in range(layers)])
        self.f2 = nn.ModuleList([nn.Linear(ff, d) for _ in range(layers)])
        self.n2 = nn.ModuleList([nn.LayerNorm(d, eps=1e-12) for _ in range(layers)])

    def forward(self, ids, mask):
        s = ids.shape[1]
        x = self.norm(self.word(ids) + self.pos.weight[:s] + self.kind.weight[0])
        m = (1.0 - mask.to(x.dtype)).view(mask.shape[0], 1, 1, s) * -10000.0
        for att, n1, f1, f2, n2 in zip(self.att, self.n1, self.f1, self.f2, self.n2, strict=True):
            x = n1(x + att(x, m))
            x = n2(x + f2(F.gelu(f1(x))))
        return x


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(784, 512), nn.Linear(512, 512), nn.Linear(512, 10)

    def forward(self, x):
        return self.c(F.relu(self.b(F.relu(self.a(x)))))


def image(n=1, size=224):
    return lambda g: (torch.randn(n, 3, size, size, generator=g),)


def tokens(n=1, seq=128, vocab=30522):
    """Token ids and a mask whose last eighth is padding (16 of 128)."""

    def make_tokens(g):
        mask = torch.ones(n, seq, dtype=torch.int64)
        mask[:, seq - seq // 8 :] = 0
        return torch.randint(0, vocab, (n, seq), generator=g), mask

    return make_tokens


def rand(*shape):
    return lambda g: (torch.randn(*shape, generator=g),)


@dataclass
class Model:
    """`build()` makes the module; `inputs(generator)` its arguments; `axes` names the symbolic
    dimensions of
    `export.py --dynamic`, by tensor name; `resized(**sizes)` gives an input maker for other
    sizes."""

    build: object
    inputs: object
    resized: object
    input_names: tuple = ("x",)
    output_names: tuple = ("y",)
    axes: dict = field(default_factory=lambda: {"x": {0: "batch"}, "y": {0: "batch"}})


BERT = {
    "input_names": ("ids", "mask"),
    "axes": {
        "ids": {0: "batch", 1: "seq"},
        "mask": {0: "batch", 1: "seq"},
        "y": {0: "batch", 1: "seq"},
    },
}
TINY_MOBILENET = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 2, 2))

ZOO = {
    "resnet18": Model(
        lambda: ResNet(BasicBlock, (2, 2, 2, 2)), image(), lambda batch: image(batch)
    ),
    "resnet50": Model(
        lambda: ResNet(Bottleneck, (3, 4, 6, 3)), image(), lambda batch: image(batch)
    ),
    "vgg16": Model(Vgg16, image(), lambda batch: image(batch)),
    "mobilenet_v2": Model(MobileNetV2, image(), lambda batch: image(batch)),
    "bert_base": Model(
        lambda: Bert(12, 768, 12, 3072), tokens(), lambda batch, seq: tokens(batch, seq), **BERT
    ),
    "minilm": Model(
        lambda: Bert(6, 384, 12, 1536), tokens(), lambda batch, seq: tokens(batch, seq), **BERT
    ),
    "mlp": Model(Mlp, rand(1, 784), lambda batch: rand(batch, 784)),
    # Odd sizes (33, 47) so that tiles, strides and pools all leave tails.
    "tiny_resnet": Model(
        lambda: ResNet(BasicBlock, (1, 1), (16, 40), 10),
        image(2, 33),
        lambda batch: image(batch, 33),
    ),
    "tiny_bottleneck": Model(
        lambda: ResNet(Bottleneck, (1, 1), (8, 24), 7), image(1, 33), lambda batch: image(batch, 33)
    ),
    "tiny_mobilenet": Model(
        lambda: MobileNetV2(TINY_MOBILENET, 16, 72, 10),
        image(1, 47),
        lambda batch: image(batch, 47),
    ),
    "tiny_bert": Model(
        lambda: Bert(2, 48, 3, 80, 100),
        tokens(2, 19, 100),
        lambda batch, seq: tokens(batch, seq, 100),
        **BERT,
    ),
}


def _init(net, g):
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            m.weight.normal_(0, math.sqrt(2.0 / m.weight[0].numel()), generator=g)
            if m.bias is not None:
                m.bias.normal_(0, 0.1, generator=g)
        elif isinstance(m, nn.Linear):
            m.weight.normal_(0, math.sqrt(1.5 / m.weight.shape[1]), generator=g)
            m.bias.normal_(0, 0.1, generator=g)
        elif isinstance(m, nn.Embedding):
            m.weight.normal_(0, 0.5, generator=g)
        elif isinstance(m, nn.LayerNorm):
            m.weight.uniform_(0.6, 1.4, generator=g)
            m.bias.normal_(0, 0.1, generator=g)
        elif isinstance(m, nn.BatchNorm2d):
            m.weight.uniform_(0.5, 1.2, generator=g)
            m.bias.normal_(0, 0.2, generator=g)


def _batch_statistics(net, args, g):
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    if not norms:
        return
    for m in norms:
        m.momentum = 1.0
    net.train()
    net(*args)
    for m in norms:
        m.momentum = 0.1
        std = m.running_var.clamp_min(1e-3).sqrt()
        m.running_mean += 0.2 * std * torch.randn(std.shape, generator=g)
        m.running_var.copy_((std * std) * (0.7 + 0.7 * torch.rand(std.shape, generator=g)))


@torch.no_grad()
def make(name):
    """(module in eval mode, tuple of inputs), the same on every call."""
    model = ZOO[name]
    g = torch.Generator().manual_seed(20261123)
    net = model.build()
    _init(net, g)
    args = model.inputs(g)
    _batch_statistics(net, args, g)
    net.eval()
    return net, args


@torch.no_grad()
def run(net, args, dtype=torch.float32):
    """Outputs as NumPy arrays, computed in `dtype` (the module is put back to float32
    afterwards)."""
    net.to(dtype)
    out = net(*(a.to(dtype) if a.is_floating_point() else a for a in args))
    net.to(torch.float32)
    return [o.numpy() for o in (out if isinstance(out, tuple) else (out,))]


@torch.no_grad()
def gflop(net, args):
    """2 x multiply-adds of convolutions, linear layers and attention products, counted by hooks."""
    total, handles = [0], []

    def hook(m, a, out):
        if isinstance(m, nn.Conv2d):
            total[0] += 2 * out.numel() * m.weight[0].numel()
        elif isinstance(m, nn.Linear):
            total[0] += 2 * out.numel() * m.weight.shape[1]
        elif isinstance(m, Attention):
            b, s, d = a[0].shape
            total[0] += 2 * 2 * b * s * s * d

    for m in net.modules():
        handles.append(m.register_forward_hook(hook))
    net(*args)
    for h in handles:
        h.remove()
    return total[0] / 1e9
