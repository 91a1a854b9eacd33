# SPDX-License-Identifier: Apache-2.0
"""Random numbers: counter-based (Philox 4x32-10), the same from one seed everywhere.

Takes shapes and parameters of distributions; gives arrays. Keeps true: a Generator's state is its
seed and a counter, which are numbers of the run: a step that is replayed draws anew, and draws the
same from the same state.
"""
import numpy

from mintor import _mintor
from mintor import arrays
from mintor import dtypes

_random = _mintor.find_operator("random")
_MASK = (1 << 64) - 1


class Generator:
    """A stream of random numbers of its own."""

    def __init__(self, seed=0):
        self.manual_seed(seed)

    def manual_seed(self, seed):
        """Starts the stream of that seed from its beginning."""
        self._key, self._counter = int(seed) & _MASK, 0
        return self

    seed = manual_seed

    def get_state(self):
        return self._key, self._counter

    def set_state(self, state):
        self._key, self._counter = state

    def next(self):
        """(key, counter) of the next draw."""
        self._counter += 1
        return self._key, self._counter

    def draw(self, distribution, shape, dtype):
        """uniform in [0, 1), normal, or bits, as an array."""
        key, counter = self.next()
        key, counter = (arrays.array(numpy.uint64(item)) for item in (key, counter))
        return _random(key, counter, distribution, dtypes.short_name(dtype), shape)

    def rand(self, *shape, dtype=None):
        return self.draw("uniform", arrays.shape_of(shape), dtype or dtypes.float32)

    def randn(self, *shape, dtype=None):
        return self.draw("normal", arrays.shape_of(shape), dtype or dtypes.float32)

    def uniform(self, low=0.0, high=1.0, size=(), dtype=None):
        shape = arrays.shape_of((size,)) if not isinstance(size, int) else (size,)
        return self.draw("uniform", shape, dtype or dtypes.float32) * (high - low) + low

    def normal(self, mean=0.0, std=1.0, size=(), dtype=None):
        shape = arrays.shape_of((size,)) if not isinstance(size, int) else (size,)
        return self.draw("normal", shape, dtype or dtypes.float32) * std + mean

    def randint(self, low, high=None, size=(), dtype=None):
        """Integers in [low, high), or in [0, low) without high."""
        low, high = (0, low) if high is None else (low, high)
        if high <= low:
            raise ValueError(f"randint: there is no integer in [{low}, {high})")
        shape = arrays.shape_of((size,)) if not isinstance(size, int) else (size,)
        bits = self.draw("bits", shape, dtypes.uint64)
        return arrays.cast(bits % (high - low), dtypes.int64).__add__(low).astype(
            dtype or dtypes.int64)

    def permutation(self, n):
        """0..n-1, or the first dimension of an array, in random order; runs on the host."""
        key, counter = self.next()
        order = numpy.random.Generator(numpy.random.Philox(key=[key, counter]))
        if isinstance(n, int):
            return arrays.array(order.permutation(n))
        n = arrays.as_array(n)
        return n[order.permutation(n.shape[0])]

    def host(self, distribution, shape, dtype):
        """As draw, computed at once: for parameters, which are made before the first step."""
        return _mintor.random_now(distribution, dtypes.short_name(dtype), list(shape),
                                  *self.next(), arrays.Array)


default_generator = Generator(0)


def manual_seed(seed):
    """Starts the global stream anew."""
    return default_generator.manual_seed(seed)


seed = manual_seed
rand = default_generator.rand
randn = default_generator.randn
uniform = default_generator.uniform
normal = default_generator.normal
randint = default_generator.randint
permutation = randperm = default_generator.permutation
