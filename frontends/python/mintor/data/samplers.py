# SPDX-License-Identifier: Apache-2.0
"""Samplers: in which order samples are taken.

Takes sizes, weights and mt.random.Generators (the global one by default); gives Python integers.
Keeps true: an iteration draws once, when it starts.
"""
import math

import numpy

from mintor import arrays
from mintor import random


def drawn(generator):
    """A NumPy generator, seeded by the next draw of a mt.random.Generator."""
    if generator is not None and not isinstance(generator, random.Generator):
        raise TypeError(f"a generator is a mt.random.Generator, got a {type(generator).__name__}")
    return (generator or random.default_generator).on_host()


def positive(value, name):
    """A positive integer; ValueError otherwise."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() <= 0:
        raise ValueError(f"{name} is {value!r}, expected a positive integer")
    return value.__index__()


class Sampler:
    """Base of samplers: a subclass defines `__iter__`, and `__len__` where it is known."""

    def __iter__(self):
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")


class SequentialSampler(Sampler):
    """0, 1, 2, ..."""

    def __init__(self, data_source):
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


class RandomSampler(Sampler):
    """All samples in random order, or `num_samples` of them; with replacement each may come again.

    Without replacement more samples than there are come as one order after another.
    """

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        self.data_source, self.replacement = data_source, replacement
        self._num_samples = None if num_samples is None else positive(num_samples, "num_samples")
        self.generator = generator

    @property
    def num_samples(self):
        """How many numbers an iteration gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        rng, count, wanted = drawn(self.generator), len(self.data_source), self.num_samples
        if count == 0:
            return
        if self.replacement:
            yield from rng.integers(0, count, wanted).tolist()
            return
        while wanted > 0:
            yield from rng.permutation(count)[:wanted].tolist()
            wanted -= count

    def __len__(self):
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given numbers in random order."""

    def __init__(self, indices, generator=None):
        self.indices, self.generator = indices, generator

    def __iter__(self):
        order = drawn(self.generator).permutation(len(self.indices)).tolist()
        return (self.indices[place] for place in order)

    def __len__(self):
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """`num_samples` numbers, each with the probability of its weight (which need not add up to 1).

    ValueError for weights that are negative or not finite, and for more samples than weights above
    0 without replacement.
    """

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        self.weights = numpy.asarray(arrays.as_array(weights).numpy(), numpy.float64)
        self.num_samples = positive(num_samples, "num_samples")
        self.replacement, self.generator = replacement, generator
        if self.weights.ndim != 1 or not (self.weights >= 0).all() or \
                not 0 < self.weights.sum() < math.inf:
            raise ValueError("weights are a vector of numbers of at least 0, not all of them 0")
        if not replacement and self.num_samples > (self.weights > 0).sum():
            raise ValueError(f"{self.num_samples} samples of {(self.weights > 0).sum()} that have "
                             "a weight, without replacement")

    def __iter__(self):
        return iter(drawn(self.generator).choice(
            len(self.weights), self.num_samples, self.replacement,
            self.weights / self.weights.sum()).tolist())

    def __len__(self):
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` numbers of a sampler; the last one may be shorter unless drop_last."""

    def __init__(self, sampler, batch_size, drop_last):
        self.sampler, self.drop_last = sampler, drop_last
        self.batch_size = positive(batch_size, "batch_size")

    def __iter__(self):
        batch = []
        for one in self.sampler:
            batch.append(one)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self):
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)


class DistributedSampler(Sampler):
    """The part of a dataset that is one of `num_replicas` programs' (that with the number `rank`).

    Parts are of one size: samples are repeated, or with drop_last left out. `shuffle`: in an order
    of seed and epoch, the same in all programs; call `set_epoch(epoch)` before each. ValueError for
    a rank outside of 0 to num_replicas - 1.
    """

    def __init__(self, dataset, num_replicas, rank, shuffle=True, seed=0, drop_last=False):
        self.num_replicas = positive(num_replicas, "num_replicas")
        if not 0 <= rank < num_replicas:
            raise ValueError(f"rank is {rank}, expected 0 to {num_replicas - 1}")
        self.dataset, self.rank, self.shuffle = dataset, rank, shuffle
        self.seed, self.drop_last, self.epoch = seed, drop_last, 0

    def set_epoch(self, epoch):
        """The number of the epoch, which the order depends on."""
        self.epoch = epoch

    def __iter__(self):
        count = len(self.dataset)
        order = numpy.arange(count)
        if self.shuffle:
            order = random.Generator(self.seed + self.epoch).on_host().permutation(count)
        wanted = len(self) * self.num_replicas
        if count:
            order = numpy.resize(order, wanted)     # repeated, or cut off
        return iter(order[self.rank:wanted:self.num_replicas].tolist())

    def __len__(self):
        whole, rest = divmod(len(self.dataset), self.num_replicas)
        return whole + (rest > 0 and not self.drop_last)
