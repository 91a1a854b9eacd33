# SPDX-License-Identifier: Apache-2.0
"""ONNX's layers by PyTorch, in any precision.

Takes operands as arrays (None: left out), attributes of the node and a dtype; gives the first
output as an array in that dtype. To add one: a function and its row in REFERENCES.
"""
import torch
from torch.nn import functional as F

_CONV = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}
_TRANSPOSED = {3: F.conv_transpose1d, 4: F.conv_transpose2d, 5: F.conv_transpose3d}


def _tensors(operands, dtype):
    return [None if o is None else torch.tensor(o).to(dtype) for o in operands]


def _padding(attributes, x, kernel, strides, dilations):
    """(begins, ends) of each axis."""
    rank = len(kernel)
    same = attributes.get("auto_pad", b"NOTSET").decode()
    if same not in ("SAME_UPPER", "SAME_LOWER"):
        pads = list(attributes.get("pads", [0] * (2 * rank)))
        return pads[:rank], pads[rank:]
    begins, ends = [], []
    for size, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True):
        total = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
        small, large = total // 2, total - total // 2
        begins.append(small if same == "SAME_UPPER" else large)
        ends.append(large if same == "SAME_UPPER" else small)
    return begins, ends


def _conv(operands, attributes, dtype):
    x, weight, *bias = _tensors(operands, dtype)
    rank = x.dim() - 2
    strides = attributes.get("strides", [1] * rank)
    dilations = attributes.get("dilations", [1] * rank)
    begins, ends = _padding(attributes, x, weight.shape[2:], strides, dilations)
    given = begins
    if begins != ends:
        pairs = zip(reversed(begins), reversed(ends), strict=True)
        x, given = F.pad(x, [side for pair in pairs for side in pair]), [0] * rank
    return _CONV[x.dim()](x, weight, bias[0] if bias else None, strides, given, dilations,
                          attributes.get("group", 1)).numpy()


def _conv_transpose(operands, attributes, dtype):
    x, weight, *bias = _tensors(operands, dtype)
    rank = x.dim() - 2
    pads = list(attributes.get("pads", [0] * (2 * rank)))
    if pads[:rank] != pads[rank:] or "auto_pad" in attributes or "output_shape" in attributes:
        raise NotImplementedError("a ConvTranspose whose borders differ")
    return _TRANSPOSED[x.dim()](
        x, weight, bias[0] if bias else None, attributes.get("strides", [1] * rank), pads[:rank],
        attributes.get("output_padding", [0] * rank), attributes.get("group", 1),
        attributes.get("dilations", [1] * rank)).numpy()


def _matmul(operands, attributes, dtype):
    x, y = _tensors(operands, dtype)
    return torch.matmul(x, y).numpy()


def _gemm(operands, attributes, dtype):
    x, y, *c = _tensors(operands, dtype)
    x = x.T if attributes.get("transA") else x
    y = y.T if attributes.get("transB") else y
    product = attributes.get("alpha", 1.0) * (x @ y)
    return (product + attributes.get("beta", 1.0) * c[0] if c else product).numpy()


def _lstm(operands, attributes, dtype):
    x, weights, recurrent, *rest = _tensors(operands, dtype)
    bias, lengths, *states = (rest + [None] * 4)[:4]
    if lengths is not None or attributes.get("layout") or len(rest) > 4 or \
            attributes.get("direction", b"forward") not in (b"forward", b"bidirectional"):
        raise NotImplementedError("an LSTM of another form")
    directions, size = weights.shape[0], recurrent.shape[2]
    module = torch.nn.LSTM(x.shape[2], size, bidirectional=directions == 2, dtype=dtype)

    def reordered(gates):  # ONNX has i o f c, PyTorch i f c o
        i, o, f, c = gates.chunk(4)
        return torch.cat([i, f, c, o])

    for d in range(directions):
        halves = [torch.zeros(4 * size, dtype=dtype)] * 2 if bias is None else bias[d].chunk(2)
        suffix = "_l0" + "_reverse" * d
        for name, value in (("weight_ih", weights[d]), ("weight_hh", recurrent[d]),
                            ("bias_ih", halves[0]), ("bias_hh", halves[1])):
            getattr(module, name + suffix).data = reordered(value)
    first = tuple(torch.zeros(directions, x.shape[1], size, dtype=dtype) if s is None else s
                  for s in states)
    y, _ = module(x, first)
    return y.reshape(*y.shape[:2], directions, size).transpose(1, 2).detach().numpy()


REFERENCES = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MatMul": _matmul,
    "Gemm": _gemm,
    "LSTM": _lstm,
}
