# SPDX-License-Identifier: Apache-2.0
"""Datasets, samplers, collating, and DataLoader without workers, beside PyTorch's.

Takes small datasets; fails where batches, their order, dtypes or errors are other ones.
"""
import collections

import ml_dtypes
import numpy as np
import pytest
import torch
from torch.utils import data as torch_data

import mintor as mt
import mintor.nn.functional as F
from mintor import nn, optim
from mintor.data import (BatchSampler, ChainDataset, ConcatDataset, DataLoader, Dataset,
                         DistributedSampler, IterableDataset, RandomSampler, SequentialSampler,
                         StackDataset, Subset, SubsetRandomSampler, TensorDataset,
                         WeightedRandomSampler, default_collate, default_convert, get_worker_info,
                         random_split)


def lists(batches):
    return [[part.tolist() for part in batch] for batch in batches]


class Stream(IterableDataset):
    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return iter(np.arange(self.count))


# --- datasets ------------------------------------------------------------------------------------
def test_datasets_beside_pytorch():
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6)
    ours = TensorDataset(mt.array(x), torch.tensor(y))
    theirs = torch_data.TensorDataset(torch.tensor(x), torch.tensor(y))
    pairs = [(ours, theirs), (Subset(ours, [4, 1]), torch_data.Subset(theirs, [4, 1])),
             (ConcatDataset([ours, Subset(ours, [5])]),
              torch_data.ConcatDataset([theirs, torch_data.Subset(theirs, [5])])),
             (ours + ours, theirs + theirs),
             (StackDataset(y, ours), torch_data.StackDataset(torch.tensor(y), theirs))]
    for mine, other in pairs:
        assert len(mine) == len(other)
        for place in [*range(len(mine)), -1]:
            got, wanted = default_collate([mine[place]]), torch_data.default_collate([other[place]])
            assert repr(tolist(got)) == repr(tolist(wanted))
    assert lists([StackDataset(a=y, b=y)[2].values()]) == [[2, 2]]
    assert list(ChainDataset([Stream(2), Stream(3)])) == [0, 1, 0, 1, 2]
    assert list(Stream(2) + Stream(1)) == [0, 1, 0]


def tolist(tree):
    if isinstance(tree, (list, tuple)):
        return [tolist(item) for item in tree]
    return tree.tolist() if hasattr(tree, "tolist") else tree


def test_errors_of_datasets():
    with pytest.raises(ValueError, match="of the sizes .2, 3. cannot go together"):
        TensorDataset(np.zeros(2), np.zeros(3))
    with pytest.raises(IndexError, match="no sample 4 of 4"):
        ConcatDataset([[1, 2], [3, 4]])[4]
    with pytest.raises(IndexError, match="no sample -5 of 4"):
        ConcatDataset([[1, 2], [3, 4]])[-5]
    with pytest.raises(TypeError, match="ChainDataset the others"):
        ConcatDataset([Stream(1)])
    with pytest.raises(ValueError, match="at least one dataset"):
        ConcatDataset([])
    with pytest.raises(NotImplementedError, match="Dataset does not define __getitem__"):
        Dataset()[0]


def test_random_split():
    parts = random_split(range(10), [7, 3], generator=mt.random.Generator(1))
    again = random_split(range(10), [7, 3], generator=mt.random.Generator(1))
    assert [list(part) for part in parts] == [list(part) for part in again]
    assert sorted([*parts[0], *parts[1]]) == list(range(10))
    for parts in ([0.5, 0.25, 0.25], [0.1, 0.9], [1.0], [0.33, 0.33, 0.34]):
        assert [len(part) for part in random_split(range(10), parts)] == \
            [len(part) for part in torch_data.random_split(range(10), parts)]
    assert [len(part) for part in random_split(range(1), [1])] == [1]
    with pytest.raises(ValueError, match=r"parts of \[7, 4\] samples, but there are 10"):
        random_split(range(10), [7, 4])


# --- samplers ------------------------------------------------------------------------------------
def test_samplers_without_chance_beside_pytorch():
    for size, drop in ((2, True), (2, False), (5, True), (7, False)):
        ours = BatchSampler(SequentialSampler(range(5)), size, drop)
        theirs = torch_data.BatchSampler(torch_data.SequentialSampler(range(5)), size, drop)
        assert list(ours) == list(theirs) and len(ours) == len(theirs)
    for count in (1, 2, 10, 11):
        for drop in (True, False):
            for rank in range(3):
                ours = DistributedSampler(range(count), 3, rank, shuffle=False, drop_last=drop)
                theirs = torch_data.DistributedSampler(range(count), 3, rank, shuffle=False,
                                                       drop_last=drop)
                assert list(ours) == list(theirs) and len(ours) == len(theirs), (count, drop)


def test_samplers_with_chance():
    def of(sampler, seed=3, **options):
        first = list(sampler(generator=mt.random.Generator(seed), **options))
        assert first == list(sampler(generator=mt.random.Generator(seed), **options))
        assert all(type(one) is int for one in first)
        return first

    assert sorted(of(lambda **more: RandomSampler(range(9), **more))) == list(range(9))
    assert of(lambda **more: RandomSampler(range(9), **more)) != list(range(9))
    many = of(lambda **more: RandomSampler(range(3), num_samples=7, **more))
    assert sorted(many[:3]) == [0, 1, 2] and sorted(many[3:6]) == [0, 1, 2] and len(many) == 7
    again = of(lambda **more: RandomSampler(range(3), True, 100, **more))
    assert set(again) == {0, 1, 2} and len(again) == 100
    assert sorted(of(lambda **more: SubsetRandomSampler([4, 7, 9], **more))) == [4, 7, 9]
    drawn = of(lambda **more: WeightedRandomSampler([0, 1.0, 3.0], 4000, **more))
    assert set(drawn) == {1, 2} and abs(drawn.count(2) - 3000) < 150
    assert sorted(of(lambda **more: WeightedRandomSampler([1, 0, 5], 2, False, **more))) == [0, 2]
    assert list(RandomSampler([])) == []
    parts = [DistributedSampler(range(10), 2, rank) for rank in range(2)]
    assert sorted([*parts[0], *parts[1]]) == list(range(10))
    first = list(parts[0])
    parts[0].set_epoch(1)
    assert list(parts[0]) != first


def test_errors_of_samplers():
    with pytest.raises(ValueError, match="batch_size is 0, expected a positive integer"):
        BatchSampler([], 0, False)
    with pytest.raises(ValueError, match="num_samples is True"):
        RandomSampler([1], num_samples=True)
    with pytest.raises(ValueError, match="at least 0, not all of them 0"):
        WeightedRandomSampler([0.0, 0.0], 1)
    with pytest.raises(ValueError, match="3 samples of 2 that have a weight"):
        WeightedRandomSampler([0, 1, 1], 3, replacement=False)
    with pytest.raises(ValueError, match="rank is 2, expected 0 to 1"):
        DistributedSampler([], 2, 2)
    with pytest.raises(TypeError, match="a generator is a mt.random.Generator, got a int"):
        list(RandomSampler([1], generator=5))


# --- collating -----------------------------------------------------------------------------------
Point = collections.namedtuple("Point", "x y")


def test_collating():
    made = default_collate([{"a": Point(1, 2.5), "b": ["s", (np.zeros(2, "int8"), True)]}] * 2)
    assert made["a"].x.dtype == "int64" and made["a"].y.dtype == "float32"
    assert made["b"][0] == ["s", "s"] and made["b"][1][0].shape == (2, 2)
    assert made["b"][1][0].dtype == "int8" and made["b"][1][1].dtype == "bool"
    assert isinstance(made["a"].x, mt.Array)
    assert default_collate([np.float64(1), np.float64(2)]).dtype == "float64"
    assert default_collate([1, 2.5]).tolist() == [1.0, 2.5]
    assert default_collate([mt.ones(2), mt.zeros(2)]).tolist() == [[1, 1], [0, 0]]
    assert default_collate([torch.ones(2), torch.zeros(2)]).tolist() == [[1, 1], [0, 0]]
    assert default_collate([np.ones(1, ml_dtypes.bfloat16)] * 2).dtype == ml_dtypes.bfloat16
    assert default_collate([torch.ones(1, dtype=torch.bfloat16)]).dtype == ml_dtypes.bfloat16
    given = {"a": np.ones(1), "b": ("s", 3)}
    assert isinstance(default_convert(given)["a"], mt.Array)
    assert default_convert(given)["b"] == ("s", 3)


@pytest.mark.parametrize("samples, match", [
    ([np.zeros(3), np.zeros(4)], r"shapes \(3,\) and \(4,\) cannot be stacked; give a collate_fn"),
    ([(1, 2), (1,)], "of 1 and 2 parts cannot be stacked"),
    ([{"a": 1}, {"b": 1}], r"keys \['a'\] and \['b'\] cannot be stacked")])
def test_what_cannot_be_stacked(samples, match):
    with pytest.raises(ValueError, match=match):
        next(iter(DataLoader(samples, batch_size=2)))


def test_types_that_cannot_be_stacked():
    with pytest.raises(TypeError, match="samples of the type NoneType cannot be stacked"):
        default_collate([None])


# --- DataLoader without workers ------------------------------------------------------------------
@pytest.mark.parametrize("options", [
    {}, {"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": 20},
    {"batch_size": None}, {"sampler": [4, 2, 0]}, {"batch_sampler": [[4, 2], [0]]},
    {"batch_sampler": [[4, 2], [0]], "batch_size": 1}, {"batch_size": None, "sampler": [1, 2]}])
def test_batches_beside_pytorch(options):
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10)
    ours = DataLoader(TensorDataset(x, y), **options)
    theirs = torch_data.DataLoader(torch_data.TensorDataset(torch.tensor(x), torch.tensor(y)),
                                   **options)
    assert lists(ours) == lists(theirs) and len(ours) == len(theirs)
    assert lists(ours) == lists(ours)           # a second epoch


@pytest.mark.parametrize("options", [{"batch_size": 3}, {"batch_size": 3, "drop_last": True},
                                     {"batch_size": None}, {}])
def test_iterable_datasets_beside_pytorch(options):
    class Theirs(Stream, torch_data.IterableDataset):
        pass

    ours, theirs = DataLoader(Stream(10), **options), torch_data.DataLoader(Theirs(10), **options)
    assert [one.tolist() for one in ours] == [int(one) if options.get("batch_size", 1) is None
                                              else one.tolist() for one in theirs]
    once = DataLoader((x for x in [1, 2, 3]), batch_size=2)
    assert [one.tolist() for one in once] == [[1, 2], [3]]
    assert get_worker_info() is None


def test_shuffling_repeats_from_the_seed():
    def epochs(**options):
        mt.manual_seed(5)
        loader = DataLoader(range(50), batch_size=7, shuffle=True, **options)
        return [[x for batch in loader for x in batch.tolist()] for _ in range(2)]

    first = epochs()
    assert first == epochs() and first[0] != first[1] and sorted(first[0]) == list(range(50))
    own = epochs(generator=mt.random.Generator(5))
    assert own == first and float(mt.rand(1)) != 2
    mt.manual_seed(6)
    assert epochs(generator=mt.random.Generator(5)) == first


def test_getitems_of_a_dataset():
    class Whole(Dataset):
        def __len__(self):
            return 6

        def __getitems__(self, places):
            return [place * 10 for place in places]

    assert [one.tolist() for one in DataLoader(Whole(), batch_size=4)] == \
        [[0, 10, 20, 30], [40, 50]]
    assert [one.tolist() for one in DataLoader(range(4), 2, collate_fn=lambda x: np.array(x) + 1)] \
        == [[1, 2], [3, 4]]


@pytest.mark.parametrize("options, match", [
    ({"shuffle": True, "sampler": [1]}, "shuffle does not go with a sampler"),
    ({"batch_sampler": [[1]], "shuffle": True}, "shuffle does not go with a batch_sampler"),
    ({"batch_sampler": [[1]], "batch_size": 4}, "batch_size does not go with a batch_sampler"),
    ({"batch_sampler": [[1]], "drop_last": True}, "drop_last does not go with a batch_sampler"),
    ({"batch_size": None, "drop_last": True}, "drop_last does not go with batch_size=None"),
    ({"batch_size": 0}, "batch_size is 0, expected a positive integer"),
    ({"num_workers": -1}, "num_workers is -1"), ({"timeout": -1}, "timeout -1"),
    ({"timeout": 1}, "timeout does not go with num_workers=0"),
    ({"prefetch_factor": 2}, "prefetch_factor does not go with num_workers=0"),
    ({"persistent_workers": True}, "persistent_workers does not go with num_workers=0")])
def test_what_does_not_go_together(options, match):
    with pytest.raises(ValueError, match=match):
        DataLoader(range(4), **options)


def test_what_does_not_go_with_an_iterable_dataset():
    for options in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}):
        with pytest.raises(ValueError, match="does not go with an iterable dataset"):
            DataLoader(Stream(3), **options)
    with pytest.raises(TypeError, match="has no len"):
        len(DataLoader(Stream(3)))


def test_a_dataset_that_raises_stop_iteration():
    class Stops(Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, place):
            raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(Stops()))


def train(loader):
    mt.manual_seed(0)
    model = nn.Linear(2, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for x, y in loader:
        loss = F.cross_entropy(model(x), y)
        optimizer.step(loss)
        losses.append(loss.item())
    return losses


def test_a_loader_of_pytorch_in_our_loop():
    x = np.random.default_rng(0).standard_normal((12, 2)).astype("float32")
    y = np.arange(12) % 3
    ours = DataLoader(TensorDataset(x, y), batch_size=4)
    theirs = torch_data.DataLoader(torch_data.TensorDataset(torch.tensor(x), torch.tensor(y)),
                                   batch_size=4)
    assert train(ours) == train(theirs)
    ours = DataLoader(torch_data.TensorDataset(torch.tensor(x), torch.tensor(y)), batch_size=4)
    assert train(ours) == train(theirs)         # a dataset of PyTorch, too
