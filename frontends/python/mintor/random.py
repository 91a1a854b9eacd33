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
from mintor import elementwise
from mintor import ordering
from mintor import reductions
from mintor import repeated

_random = _mintor.find_operator("random")
_MASK = (1 << 64) - 1


def _shape(size):
    return (size,) if isinstance(size, int) else arrays.shape_of((size,))


class Generator:
    """A stream of random numbers of its own."""

    def __init__(self, seed=0):
        self.manual_seed(seed)

    def manual_seed(self, seed):
        """Starts the stream of that seed from its beginning."""
        _mintor.not_replayable("a stream of random numbers that starts")
        self._key, self._counter = int(seed) & _MASK, 0
        return self

    seed = manual_seed

    def get_state(self):
        """(seed, number of draws)."""
        _mintor.not_replayable("a stream of random numbers whose state it reads")
        return self._key, self._counter

    def set_state(self, state):
        """Goes on from what get_state gave."""
        _mintor.not_replayable("a stream of random numbers that starts")
        self._key, self._counter = state

    def next(self):
        """(key, counter) of the next draw. CompileError in a loop, where it would be drawn once."""
        loop = _mintor.recorded_operator(True)
        if loop:
            raise _mintor.CompileError(
                f"error: {loop}: its function draws random numbers, which would be the same in all "
                "iterations\n  help: draw them before the loop; scan takes those of each iteration "
                "as a slice of xs")
        self._counter += 1
        return self._key, self._counter

    def draw(self, distribution, shape, dtype):
        """uniform in [0, 1), normal, or bits, as an array."""
        name = dtypes.short_name(dtype)
        if name in ("f16", "bf16"):
            drawn = arrays.cast(self.draw(distribution, shape, dtypes.float32), dtype)
            # A float32 just below 1 rounds to 1.
            below = 1.0 - dtypes.finfo(dtype).eps / 2
            return elementwise.minimum(drawn, below) if distribution == "uniform" else drawn
        return _random(*self.numbers(), distribution, name, shape)

    def numbers(self):
        """Key and counter of the next draw, as arrays."""
        made = tuple(arrays.array(numpy.uint64(item)) for item in self.next())
        repeated.tell(repeated.Draw, self, *made)
        return made

    def rand(self, *shape, dtype=None):
        """Uniform in [0, 1); float32 by default."""
        return self.draw("uniform", arrays.shape_of(shape), dtype or dtypes.float32)

    def randn(self, *shape, dtype=None):
        """Normal, mean 0 and deviation 1; float32 by default."""
        return self.draw("normal", arrays.shape_of(shape), dtype or dtypes.float32)

    def rand_like(self, x, dtype=None):
        """As rand, in the shape and dtype of x."""
        return self.rand(x.shape, dtype=dtype or x.dtype)

    def randn_like(self, x, dtype=None):
        """As randn, in the shape and dtype of x."""
        return self.randn(x.shape, dtype=dtype or x.dtype)

    def uniform(self, low=0.0, high=1.0, size=(), dtype=None):
        """Uniform in [low, high)."""
        return self.rand(*_shape(size), dtype=dtype) * (high - low) + low

    def normal(self, mean=0.0, std=1.0, size=(), dtype=None):
        """Normal, with that mean and deviation."""
        return self.randn(*_shape(size), dtype=dtype) * std + mean

    def bernoulli(self, p):
        """1 with the probability p, 0 otherwise, in the shape and dtype of p."""
        p = arrays.as_array(p)
        return arrays.cast(elementwise.less(self.rand_like(p), p), p.dtype)

    def randint(self, low, high=None, size=(), dtype=None):
        """Integers in [low, high), or in [0, low) without high; int64 by default. ValueError where
        there is none.
        """
        if isinstance(high, (tuple, list)):
            high, size = None, high
        low, high = (0, low) if high is None else (low, high)
        if high <= low:
            raise ValueError(f"randint: there is no integer in [{low}, {high})")
        bits = self.draw("bits", _shape(size), dtypes.uint64)
        return arrays.cast(arrays.cast(bits % (high - low), dtypes.int64) + low,
                           dtype or dtypes.int64)

    def permutation(self, n):
        """0..n-1, or the first dimension of an array, in random order; runs on the host."""
        order = self.on_host()
        if isinstance(n, int):
            return arrays.array(order.permutation(n))
        n = arrays.as_array(n)
        return n[order.permutation(n.shape[0])]

    def choice(self, n, size=(), replace=True, p=None):
        """Elements of a vector, or of 0..n-1, with probabilities p; chosen on the host."""
        count = n if isinstance(n, int) else arrays.as_array(n).shape[0]
        p = None if p is None else arrays.as_array(p).numpy().astype("float64")
        places = arrays.array(self.on_host().choice(count, _shape(size), replace, p))
        return places if isinstance(n, int) else arrays.as_array(n)[places]

    def multinomial(self, probabilities, num_samples, replacement=False):
        """Places in the last dimension, each with its probability (which need not add up to 1).

        ValueError for more samples than places without replacement.
        """
        p = arrays.as_array(probabilities)
        if not replacement and num_samples > p.shape[-1]:
            raise ValueError(f"multinomial: {num_samples} samples of {p.shape[-1]} places without "
                             "replacement")
        # The largest of log(p) and noise of Gumbel's distribution has the probability p.
        each = num_samples > 1 and replacement
        drawn = self.rand(*p.shape[:-1], *([num_samples] if each else []), p.shape[-1])
        noise = -elementwise.log(-elementwise.log(elementwise.maximum(drawn, 1e-38)))
        scores = elementwise.log(p[..., None, :] if each else p) + noise
        if each:
            return reductions.argmax(scores, -1)
        if num_samples == 1:
            return reductions.argmax(scores, -1, keepdims=True)
        return ordering.topk(scores, num_samples)[1]

    def on_host(self):
        """A numpy.random.Generator, seeded by the next draw."""
        _mintor.not_replayable("random numbers of the host")
        return numpy.random.Generator(numpy.random.Philox(key=list(self.next())))

    def host(self, distribution, shape, dtype):
        """As draw, computed at once: for parameters, which are made before the first step."""
        _mintor.not_replayable("random numbers of the host")
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
rand_like = default_generator.rand_like
randn_like = default_generator.randn_like
bernoulli = default_generator.bernoulli
choice = default_generator.choice
multinomial = default_generator.multinomial
permutation = randperm = default_generator.permutation
