# SPDX-License-Identifier: Apache-2.0
"""Datasets: what has samples by number, or one after another.

Takes arrays, lists or other datasets; gives samples. Keeps true: a sample is what NumPy holds, so
that workers need no compiler; negative numbers count from the end.
"""
import bisect
import itertools

import numpy

from mintor import arrays
from mintor import random


class Dataset:
    """Base of datasets with samples by number: a subclass defines `__getitem__` and `__len__`."""

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Base of datasets that are read one sample after another: a subclass defines `__iter__`.

    Each worker reads a copy; `get_worker_info()` says which part of it is whose.
    """

    def __iter__(self):
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")

    def __add__(self, other):
        return ChainDataset([self, other])


def _sizes(parts):
    sizes = {len(part) for part in parts}
    if len(sizes) != 1:
        raise ValueError(f"datasets of the sizes {sorted(sizes)} cannot go together")


class TensorDataset(Dataset):
    """Rows of arrays of equal first sizes: sample i is the tuple of their rows i, as ndarrays.

    `tensors`: arrays, ndarrays or tensors, which are read once. ValueError where sizes differ.
    """

    def __init__(self, *tensors):
        self.tensors = tuple(one if isinstance(one, numpy.ndarray) else
                             arrays.as_array(one).numpy() for one in tensors)
        _sizes(self.tensors)

    def __getitem__(self, index):
        return tuple(one[index] for one in self.tensors)

    def __len__(self):
        return len(self.tensors[0])


class StackDataset(Dataset):
    """Samples of several datasets together: as a tuple, or by name where they have names.
    ValueError for both, or where their sizes differ.
    """

    def __init__(self, *datasets, **named):
        if bool(datasets) == bool(named):
            raise ValueError("StackDataset takes datasets, either all by name or none")
        self.datasets = named or datasets
        _sizes(named.values() if named else datasets)

    def __getitem__(self, index):
        if isinstance(self.datasets, dict):
            return {name: one[index] for name, one in self.datasets.items()}
        return tuple(one[index] for one in self.datasets)

    def __len__(self):
        return len(next(iter(self.datasets.values() if isinstance(self.datasets, dict)
                             else self.datasets)))


class Subset(Dataset):
    """The samples of a dataset with the given numbers."""

    def __init__(self, dataset, indices):
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index):
        if isinstance(index, list):
            return self.dataset[[self.indices[one] for one in index]]
        return self.dataset[self.indices[index]]

    def __len__(self):
        return len(self.indices)


class ConcatDataset(Dataset):
    """Datasets one behind the other. IndexError for a number outside; ValueError for none.
    TypeError for an iterable one.
    """

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset needs at least one dataset")
        if any(isinstance(one, IterableDataset) for one in self.datasets):
            raise TypeError("ConcatDataset takes datasets with samples by number; ChainDataset the "
                            "others")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    def __getitem__(self, index):
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"there is no sample {index} of {len(self)}")
        which = bisect.bisect_right(self.cumulative_sizes, place)
        return self.datasets[which][place - (self.cumulative_sizes[which - 1] if which else 0)]

    def __len__(self):
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset):
    """Iterable datasets one behind the other."""

    def __init__(self, datasets):
        self.datasets = list(datasets)

    def __iter__(self):
        return itertools.chain.from_iterable(self.datasets)

    def __len__(self):
        return sum(map(len, self.datasets))


def random_split(dataset, lengths, generator=None):
    """Subsets of a dataset, whose samples are drawn without repetition.

    `lengths`: numbers of samples that add up to the dataset's, or parts that add up to 1 (what is
    left over by rounding goes to the first). ValueError otherwise. `generator`: a
    mt.random.Generator.
    """
    lengths, count = list(lengths), len(dataset)
    if abs(sum(lengths) - 1) < 1e-6 and all(0 <= part <= 1 for part in lengths) and \
            any(isinstance(part, float) for part in lengths):
        lengths = [int(part * count) for part in lengths]
        for place in range(count - sum(lengths)):
            lengths[place % len(lengths)] += 1
    if sum(lengths) != count:
        raise ValueError(f"random_split: parts of {lengths} samples, but there are {count}")
    order = (generator or random.default_generator).on_host().permutation(count).tolist()
    ends = list(itertools.accumulate(lengths))
    return [Subset(dataset, order[end - size:end]) for end, size in zip(ends, lengths)]
