# SPDX-License-Identifier: Apache-2.0
"""Mixed precision: operators in half precision, and losses scaled so that gradients do not vanish.

Takes PyTorch's spelling (torch.amp). Keeps true: products (matmul, linear, conv, einsum) take and
give the low dtype and add up in float32; sums, means, softmax, exponentials and losses are float32;
parameters stay float32, and so do their gradients.
"""
import contextlib

from mintor import _mintor
from mintor import arrays
from mintor import dtypes
from mintor import functions
from mintor import gradients


class autocast(contextlib.ContextDecorator):  # pylint: disable=invalid-name
    """A context, or decorator, in which products are computed in half precision.

    `dtype`: bfloat16 (the default) or float16. `enabled=False` switches it off inside of another.
    A device may come first, as in PyTorch ("cpu" is the only one). float64 stays as it is; other
    operators promote what they are given. ValueError for other dtypes.

    >>> import mintor as mt
    >>> x = mt.ones(2, 2)
    >>> with mt.amp.autocast(dtype=mt.float16):
    ...     y = x @ x
    ...     z = y.sum()
    >>> y.dtype, z.dtype
    (dtype('float16'), dtype('float32'))
    """

    def __init__(self, device_type="cpu", dtype=None, enabled=True, cache_enabled=None):
        del cache_enabled       # equal casts of a program are one
        if dtype is None and not isinstance(device_type, str):
            device_type, dtype = "cpu", device_type
        if dtype is None and device_type in dtypes.SHORT_NAMES:
            device_type, dtype = "cpu", device_type
        arrays.check_device(device_type)
        self._name = dtypes.short_name(dtype or dtypes.bfloat16)
        if self._name not in ("f16", "bf16"):
            raise ValueError(f"autocast: float16 or bfloat16, not {dtype!r}")
        self._enabled, self._before = enabled, []

    def __enter__(self):
        self._before.append(_mintor.set_autocast(self._name if self._enabled else None))
        return self

    def __exit__(self, *_):
        _mintor.set_autocast(self._before.pop())


class GradScaler:
    """Scales losses, so that gradients in float16 do not vanish; skips steps that overflow.

    `scaler.scale(loss).backward()`, `scaler.unscale_(optimizer)` where gradients are looked at,
    `scaler.step(optimizer)`, `scaler.update()`; or `scaler.step(optimizer, loss)` for the first
    three at once. Arguments are those of torch.amp.GradScaler. RuntimeError for a second unscale_
    or step before update. ValueError for a growth_factor up to 1 or a backoff_factor from 1 on.

    >>> import mintor as mt
    >>> w = mt.nn.Parameter([2.0])
    >>> optimizer, scaler = mt.optim.SGD([w], 0.5), mt.amp.GradScaler(init_scale=8.0)
    >>> scaler.scale((w * w).sum()).backward()
    >>> w.grad.tolist()
    [32.0]
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> w.tolist()
    [0.0]
    """

    def __init__(self, device="cpu", init_scale=65536.0, growth_factor=2.0, backoff_factor=0.5,
                 growth_interval=2000, enabled=True):
        arrays.check_device(device)
        if growth_factor <= 1.0 or backoff_factor >= 1.0:
            raise ValueError("GradScaler: growth_factor is above 1, backoff_factor below")
        self._scale, self._growth_factor = float(init_scale), growth_factor
        self._backoff_factor, self._growth_interval = backoff_factor, growth_interval
        self._enabled, self._growth_tracker = enabled, 0
        self._finite = {}       # of optimizers by id, whose gradients are unscaled
        self._stepped = set()

    def scale(self, outputs):
        """An array, or a list or tuple of arrays, times the scale."""
        if isinstance(outputs, (list, tuple)):
            return type(outputs)(self.scale(one) for one in outputs)
        return outputs * self._scale if self._enabled else outputs

    def unscale_(self, optimizer):
        """Divides the gradients of the optimizer's parameters by the scale."""
        if not self._enabled:
            return
        if id(optimizer) in self._finite:
            raise RuntimeError("unscale_ was called already since the last update()")
        finite = None
        with gradients.no_grad():
            for group in optimizer.param_groups:
                for one in group["params"]:
                    if one.grad is None:
                        continue
                    one.grad = one.grad * (1.0 / self._scale)
                    here = functions.all(functions.isfinite(one.grad))
                    finite = here if finite is None else functions.logical_and(finite, here)
        if finite is None:
            raise RuntimeError("unscale_: no parameter of the optimizer has a gradient")
        self._finite[id(optimizer)] = finite

    def step(self, optimizer, loss=None):
        """optimizer.step() where all gradients are finite; else the step is left out.

        With a loss (not scaled): its backward, scaled, and the step.
        """
        if not self._enabled:
            return optimizer.step() if loss is None else optimizer.step(loss)
        if id(optimizer) in self._stepped:
            raise RuntimeError("step was called already since the last update()")
        if loss is not None:
            optimizer.backward(self.scale(loss))
        if id(optimizer) not in self._finite:
            self.unscale_(optimizer)
        self._stepped.add(id(optimizer))
        if bool(self._finite[id(optimizer)]):
            return optimizer.step()
        if loss is not None:
            optimizer.zero_grad()
        return None

    def update(self, new_scale=None):
        """The scale of the next step: smaller after an overflow, larger after many without."""
        if not self._enabled:
            return
        finite = all(bool(one) for one in self._finite.values())
        self._stepped.clear()
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._finite:
            raise RuntimeError("update: there was no step or unscale_ since the last update()")
        elif not finite:
            self._scale, self._growth_tracker = self._scale * self._backoff_factor, 0
        else:
            self._growth_tracker += 1
            if self._growth_tracker == self._growth_interval:
                self._scale, self._growth_tracker = self._scale * self._growth_factor, 0
        self._finite = {}

    def get_scale(self):
        """The factor of the loss now, as a number; reads it."""
        return self._scale if self._enabled else 1.0

    def is_enabled(self):
        """Whether it scales."""
        return self._enabled

    def get_growth_factor(self):
        """What the factor is multiplied by after growth_interval good steps."""
        return self._growth_factor

    def get_backoff_factor(self):
        """What the factor is multiplied by after a step that overflowed."""
        return self._backoff_factor

    def get_growth_interval(self):
        """How many good steps make the factor grow."""
        return self._growth_interval

    def state_dict(self):
        """What load_state_dict takes, under PyTorch's names; empty where it is not enabled."""
        if not self._enabled:
            return {}
        return {"scale": self._scale, "growth_factor": self._growth_factor,
                "backoff_factor": self._backoff_factor,
                "growth_interval": self._growth_interval, "_growth_tracker": self._growth_tracker}

    def load_state_dict(self, state_dict):
        """Takes what state_dict gave."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("load_state_dict: the state is empty, of a scaler that was not "
                               "enabled")
        self._scale = float(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]


__all__ = ["GradScaler", "autocast"]
