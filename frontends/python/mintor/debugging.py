# SPDX-License-Identifier: Apache-2.0
"""Where a NaN comes from.

Takes nothing; while it is on, results of every program are looked at. Keeps true: programs are the
same ones, with the same bits.
"""
from mintor import _mintor
from mintor.errors import NotANumberError


class debug_nan:  # pylint: disable=invalid-name
    """Finds the first operator that makes a NaN, and names it with its line.

    `mt.debug_nan()` switches it on, `mt.debug_nan(False)` off; as a context manager for a block.
    `inf`: infinities are looked for too. NotANumberError (a FloatingPointError) at the read, or at
    the end of the block: "log made a NaN", "the gradient of sqrt made a NaN", and the line in the
    Python program. Values that no result shows are not looked at. Programs do not run while Python
    goes on, and one that made a NaN is evaluated again, operator by operator, which is slow.

    >>> import mintor as mt
    >>> with mt.debug_nan():
    ...     y = mt.log(mt.array([1.0, -1.0])) + 1
    ...     y.numpy()                                               # doctest: +ELLIPSIS
    Traceback (most recent call last):
    mintor.NotANumberError: log made a NaN
      at ...
    """

    def __init__(self, on=True, *, inf=False):
        self._before = _mintor.set_check((2 if inf else 1) if on else 0)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                _mintor.flush()
        finally:
            _mintor.set_check(self._before)


__all__ = ["NotANumberError", "debug_nan"]
