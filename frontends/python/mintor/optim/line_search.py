# SPDX-License-Identifier: Apache-2.0
"""A step length that meets the strong Wolfe conditions (Nocedal and Wright, Numerical Optimization,
algorithms 3.5 and 3.6), with cubic interpolation as in minFunc, which PyTorch's LBFGS follows.

Takes a function of the length; gives a point on it. Keeps true: choices are those of
torch.optim.LBFGS, so that both take the same steps.
"""
import dataclasses

import numpy

_DECREASE, _CURVATURE = 1e-4, 0.9       # c1 and c2 of the conditions
_LEAST_CHANGE = 1e-9                    # of a parameter, below which points are not told apart


@dataclasses.dataclass
class Point:
    """A length, the loss there, its gradient, and its slope along the direction."""

    length: float
    loss: float
    gradient: numpy.ndarray
    slope: float


def _lowest(a, b, low=None, high=None):
    """Where the cubic through two points with their slopes is lowest, between bounds."""
    if low is None:
        low, high = min(a.length, b.length), max(a.length, b.length)
    first = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.length - b.length)
    square = first * first - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    if a.length > b.length:
        a, b = b, a
    root = square ** 0.5
    found = b.length - (b.length - a.length) * (
        (b.slope + root - first) / (b.slope - a.slope + 2 * root))
    return min(max(found, low), high)


class _Search:
    def __init__(self, at, start, largest, most):
        self._at, self.start, self._largest, self._most = at, start, largest, most
        self.evaluations = 0

    def at(self, length):
        """The point at a length."""
        self.evaluations += 1
        return self._at(length)

    def is_too_high(self, point):
        """Whether the loss has not fallen enough for the length."""
        return point.loss > self.start.loss + _DECREASE * point.length * self.start.slope

    def is_flat(self, point):
        """Whether the slope is small enough."""
        return abs(point.slope) <= -_CURVATURE * self.start.slope

    def bracket(self, length):
        """One point that is good, or two between which there is one."""
        before, now, steps = self.start, self.at(length), 0
        while steps < self._most:
            if self.is_too_high(now) or steps > 1 and now.loss >= before.loss:
                return [before, now]
            if self.is_flat(now):
                return [now]
            if now.slope >= 0:
                return [before, now]
            low = now.length + 0.01 * (now.length - before.length)
            length = _lowest(before, now, low, now.length * 10)
            before, now, steps = now, self.at(length), steps + 1
        return [self.start, now]

    def zoom(self, pair):
        """The good point between two, or the best one found."""
        low, high = sorted(pair, key=lambda point: point.loss)
        is_slow, left = False, self._most - (self.evaluations - 1)
        while left > 0 and abs(high.length - low.length) * self._largest >= _LEAST_CHANGE:
            left -= 1
            ends = sorted((low.length, high.length))
            length, margin = _lowest(low, high), 0.1 * (ends[1] - ends[0])
            if min(ends[1] - length, length - ends[0]) < margin:
                if is_slow or not ends[0] < length < ends[1]:
                    near_end = abs(length - ends[1]) < abs(length - ends[0])
                    length, is_slow = (ends[1] - margin if near_end else ends[0] + margin), False
                else:
                    is_slow = True
            else:
                is_slow = False
            now = self.at(length)
            if self.is_too_high(now) or now.loss >= low.loss:
                high = now
                if high.loss < low.loss:
                    low, high = high, low
                continue
            if self.is_flat(now):
                return now
            if now.slope * (high.length - low.length) >= 0:
                high = low
            low = now
        return low


def strong_wolfe(at, start, length, largest, most):
    """The point that was found. `at(length)`: the point there. `start`: that at 0. `length`: the
    first to be tried. `largest`: element of the direction. `most`: points that may be tried after
    the first.
    """
    search = _Search(at, start, largest, most)
    found = search.bracket(length)
    return found[0] if len(found) == 1 else search.zoom(found)
