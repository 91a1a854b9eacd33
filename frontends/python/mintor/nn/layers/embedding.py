# SPDX-License-Identifier: Apache-2.0
"""Tables of vectors, with PyTorch's arguments, defaults and initial values.

Takes integers; gives rows.
"""
from mintor import arrays
from mintor.nn import functional
from mintor.nn import init
from mintor.nn.module import Module, Parameter, parameter


class Embedding(Module):
    """Rows of weight[num_embeddings, embedding_dim], which starts normal, at integer places.

    The row padding_idx starts with zeros and gets no gradient. See functional.embedding. ValueError
    for a padding_idx that is no row.
    """

    def __init__(self, num_embeddings, embedding_dim, padding_idx=None, max_norm=None,
                 norm_type=2.0, scale_grad_by_freq=False, sparse=False, _weight=None,
                 _freeze=False, device=None, dtype=None):
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"Embedding: padding_idx {padding_idx} of {num_embeddings} rows")
        if scale_grad_by_freq:
            raise ValueError("Embedding: scale_grad_by_freq is not there")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.max_norm, self.norm_type, self.sparse = max_norm, norm_type, sparse
        if _weight is None:
            self.weight = parameter((num_embeddings, embedding_dim), dtype, device)
            self.reset_parameters()
        else:
            self.weight = Parameter(_weight)
        self.weight.requires_grad = not _freeze

    def reset_parameters(self):
        """New initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            values = self.weight.numpy()
            values[self.padding_idx] = 0
            self.weight.assign(arrays.array(values))

    @classmethod
    def from_pretrained(cls, embeddings, freeze=True, padding_idx=None, max_norm=None,
                        norm_type=2.0, scale_grad_by_freq=False, sparse=False):
        """The layer of a table that is known; frozen unless freeze is False."""
        embeddings = arrays.as_array(embeddings)
        return cls(*embeddings.shape, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse,
                   _weight=embeddings, _freeze=freeze)

    def execute(self, x):
        return functional.embedding(x, self.weight, self.padding_idx, self.max_norm,
                                    self.norm_type)

    def extra_repr(self):
        extra = f"{self.num_embeddings}, {self.embedding_dim}"
        return extra if self.padding_idx is None else f"{extra}, padding_idx={self.padding_idx}"


class EmbeddingBag(Module):
    """The sum, mean or largest values of rows of weight, a vector a bag; see
    functional.embedding_bag.
    """

    # pylint: disable-next=too-many-arguments
    def __init__(self, num_embeddings, embedding_dim, max_norm=None, norm_type=2.0,
                 scale_grad_by_freq=False, mode="mean", sparse=False, _weight=None,
                 include_last_offset=False, padding_idx=None, device=None, dtype=None):
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type, self.mode = max_norm, norm_type, mode
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.include_last_offset, self.padding_idx = include_last_offset, padding_idx
        table = Embedding(num_embeddings, embedding_dim, padding_idx, _weight=_weight,
                          device=device, dtype=dtype)
        self.weight = table.weight

    def execute(self, x, offsets=None, per_sample_weights=None):
        return functional.embedding_bag(
            x, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq,
            self.mode, self.sparse, per_sample_weights, self.include_last_offset,
            self.padding_idx)

    def extra_repr(self):
        return f"{self.num_embeddings}, {self.embedding_dim}, mode={self.mode!r}"


__all__ = ["Embedding", "EmbeddingBag"]
