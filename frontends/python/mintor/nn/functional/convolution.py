# SPDX-License-Identifier: Apache-2.0
"""Convolutions of 1 to 3 dimensions of space, and their transposes, under PyTorch's names.

Takes x[N, C, D..], or x[C, D..] without batch; gives the same kind.
"""
from mintor import _mintor
from mintor import arrays
from mintor.nn.functional.common import each, with_batch

_conv = _mintor.find_operator("conv")
_conv_transpose = _mintor.find_operator("conv_transpose")


def padding_of(padding, kernel, stride, dilation):
    """Padding before and after each dimension; `padding` may be "valid" or "same"."""
    rank = len(kernel)
    if padding == "valid":
        padding = 0
    if padding != "same":
        return (each(padding, rank, "padding"),) * 2
    if any(step != 1 for step in stride):
        raise ValueError("conv: padding='same' needs strides of 1")
    total = [step * (size - 1) for step, size in zip(dilation, kernel)]
    before = [size // 2 for size in total]
    return before, [size - one for size, one in zip(total, before)]


def _convolution(rank):
    def conv(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        weight = arrays.as_array(weight)
        stride = each(stride, rank, "stride")
        dilation = each(dilation, rank, "dilation")
        before, after = padding_of(padding, weight.shape[2:], stride, dilation)

        def batched(x):
            operands = (x, weight) if bias is None else (x, weight, bias)
            return _conv(operands, stride, before, after, dilation, groups)
        return with_batch(conv.__name__, batched, x, rank)
    conv.__name__ = conv.__qualname__ = f"conv{rank}d"
    conv.__doc__ = f"""x[N, C, {_SPACE[rank]}], weight[O, C / groups, K..], bias[O].

    `padding`: zeros on both sides, or "valid" (none), or "same" (the size stays, stride 1).
    """
    return conv


def _transposed(rank):
    def conv(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        stride, dilation = each(stride, rank, "stride"), each(dilation, rank, "dilation")
        padding, added = each(padding, rank, "padding"), each(output_padding, rank)
        if any(one >= max(step, wide) for one, step, wide in zip(added, stride, dilation)):
            raise ValueError(f"{conv.__name__}: output_padding {added} has to be smaller than "
                             f"stride {stride} or dilation {dilation}")

        def batched(x):
            operands = (x, weight) if bias is None else (x, weight, bias)
            return _conv_transpose(operands, stride, padding, padding, dilation, groups, added)
        return with_batch(conv.__name__, batched, x, rank)
    conv.__name__ = conv.__qualname__ = f"conv_transpose{rank}d"
    conv.__doc__ = f"""x[N, C, {_SPACE[rank]}], weight[C, O / groups, K..], bias[O].

    The gradient of conv{rank}d as a function; output_padding is added after each dimension.
    ValueError where that is not below stride or dilation.
    """
    return conv


_SPACE = {1: "L", 2: "H, W", 3: "D, H, W"}
conv1d, conv2d, conv3d = (_convolution(rank) for rank in (1, 2, 3))
conv_transpose1d, conv_transpose2d, conv_transpose3d = (_transposed(rank) for rank in (1, 2, 3))

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
           "conv_transpose3d"]
