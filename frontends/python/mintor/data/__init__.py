# SPDX-License-Identifier: Apache-2.0
"""Datasets, samplers and DataLoader, under the names of torch.utils.data.

Takes datasets; gives batches as arrays.
"""
from mintor.data.collate import default_collate, default_convert
from mintor.data.datasets import (ChainDataset, ConcatDataset, Dataset, IterableDataset,
                                  StackDataset, Subset, TensorDataset, random_split)
from mintor.data.loader import DataLoader
from mintor.data.samplers import (BatchSampler, DistributedSampler, RandomSampler, Sampler,
                                  SequentialSampler, SubsetRandomSampler, WeightedRandomSampler)
from mintor.data.worker import WorkerInfo, get_worker_info

__all__ = ["BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset",
           "DistributedSampler", "IterableDataset", "RandomSampler", "Sampler",
           "SequentialSampler", "StackDataset", "Subset", "SubsetRandomSampler", "TensorDataset",
           "WeightedRandomSampler", "WorkerInfo", "default_collate", "default_convert",
           "get_worker_info", "random_split"]
