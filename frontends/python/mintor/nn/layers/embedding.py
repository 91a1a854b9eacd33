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

    The row padding_idx starts with zeros and gets no gradient. See functional.embedding.
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


__all__ = ["Embedding"]
