# SPDX-License-Identifier: Apache-2.0
"""Dropout as layers.

Takes probabilities; gives modules, which do nothing after eval().
"""
from mintor.nn import functional
from mintor.nn.layers.function_layer import FunctionLayer


class _Dropout(FunctionLayer):
    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        if not 0 <= self.p <= 1:
            raise ValueError(f"{type(self).__name__}: p is {self.p}, expected a probability")


class Dropout(_Dropout, function=functional.dropout):
    """Each element 0 with the probability p, the others over 1 - p."""


class Dropout1d(_Dropout, function=functional.dropout1d):
    """Whole channels of x[N, C, L]."""


class Dropout2d(_Dropout, function=functional.dropout2d):
    """Whole channels of x[N, C, H, W]."""


class Dropout3d(_Dropout, function=functional.dropout3d):
    """Whole channels of x[N, C, D, H, W]."""


class AlphaDropout(_Dropout, function=functional.alpha_dropout):
    """Dropout that keeps the mean and variance of what SELU gives."""


class FeatureAlphaDropout(_Dropout, function=functional.feature_alpha_dropout):
    """AlphaDropout of whole channels."""


__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]
