# SPDX-License-Identifier: Apache-2.0
"""Losses as layers: the functions of functional/losses.py, with PyTorch's arguments by name.

Keeps true: weights are buffers, as PyTorch's state_dict has them.
"""
from mintor.nn import functional
from mintor.nn.layers.function_layer import FunctionLayer


def _layer(name, function, inputs=2, buffers=(), order=None):
    """The class of that name, documented as its function."""
    return type(FunctionLayer)(name, (FunctionLayer,), {
        "__doc__": function.__doc__, "__module__": __name__}, function=function, inputs=inputs,
        buffers=buffers, order=order)


_PLAIN = ("size_average", "reduce", "reduction")
L1Loss = _layer("L1Loss", functional.l1_loss, order=_PLAIN)
MSELoss = _layer("MSELoss", functional.mse_loss, order=_PLAIN)
SmoothL1Loss = _layer("SmoothL1Loss", functional.smooth_l1_loss, order=_PLAIN + ("beta",))
HuberLoss = _layer("HuberLoss", functional.huber_loss, order=("reduction", "delta"))
NLLLoss = _layer("NLLLoss", functional.nll_loss, buffers=("weight",), order=(
    "weight", "size_average", "ignore_index", "reduce", "reduction"))
CrossEntropyLoss = _layer("CrossEntropyLoss", functional.cross_entropy, buffers=("weight",), order=(
    "weight", "size_average", "ignore_index", "reduce", "reduction", "label_smoothing"))
BCELoss = _layer("BCELoss", functional.binary_cross_entropy, buffers=("weight",),
                 order=("weight", *_PLAIN))
BCEWithLogitsLoss = _layer("BCEWithLogitsLoss", functional.binary_cross_entropy_with_logits,
                           buffers=("weight", "pos_weight"),
                           order=("weight", *_PLAIN, "pos_weight"))
KLDivLoss = _layer("KLDivLoss", functional.kl_div, order=_PLAIN + ("log_target",))
HingeEmbeddingLoss = _layer("HingeEmbeddingLoss", functional.hinge_embedding_loss,
                            order=("margin", *_PLAIN))
MarginRankingLoss = _layer("MarginRankingLoss", functional.margin_ranking_loss, 3,
                           order=("margin", *_PLAIN))
SoftMarginLoss = _layer("SoftMarginLoss", functional.soft_margin_loss, order=_PLAIN)
MultiMarginLoss = _layer("MultiMarginLoss", functional.multi_margin_loss, buffers=("weight",),
                         order=("p", "margin", "weight", *_PLAIN))
MultiLabelMarginLoss = _layer("MultiLabelMarginLoss", functional.multilabel_margin_loss,
                              order=_PLAIN)
MultiLabelSoftMarginLoss = _layer(
    "MultiLabelSoftMarginLoss", functional.multilabel_soft_margin_loss, buffers=("weight",),
    order=("weight", *_PLAIN))
TripletMarginLoss = _layer("TripletMarginLoss", functional.triplet_margin_loss, 3,
                           order=("margin", "p", "eps", "swap", *_PLAIN))
TripletMarginWithDistanceLoss = _layer(
    "TripletMarginWithDistanceLoss", functional.triplet_margin_with_distance_loss, 3,
    order=("distance_function", "margin", "swap", "reduction"))
CosineEmbeddingLoss = _layer("CosineEmbeddingLoss", functional.cosine_embedding_loss, 3,
                             order=("margin", *_PLAIN))
GaussianNLLLoss = _layer("GaussianNLLLoss", functional.gaussian_nll_loss, 3,
                         order=("full", "eps", "reduction"))
CTCLoss = _layer("CTCLoss", functional.ctc_loss, 4, order=("blank", "reduction", "zero_infinity"))
PoissonNLLLoss = _layer("PoissonNLLLoss", functional.poisson_nll_loss, order=(
    "log_input", "full", "size_average", "eps", "reduce", "reduction"))

__all__ = [name for name in dir() if name.endswith("Loss")]
