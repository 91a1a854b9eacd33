# SPDX-License-Identifier: Apache-2.0
"""Operators of the domain com.microsoft, beside ONNX Runtime, which defines them.

Each case is one node: its inputs (None where one is absent), its attributes, how many outputs are
compared, and how near they must be.
"""
import zlib

import mintor as mt
import numpy as np
import onnx
import op_harness
import pytest
from onnx import helper

F32, I32, I64, U8, I8 = np.float32, np.int32, np.int64, np.uint8, np.int8


def rows(*shape):
    return ("f", shape)


def bytes_of(*shape, dtype=U8):
    return (dtype, shape)


def some(*values, dtype=F32):
    """One value is a scalar."""
    return np.array(values if len(values) > 1 else values[0], dtype)


def tables(length, pairs):
    """Cosines and sines of a rotation."""
    angles = np.outer(np.arange(length), 10000.0 ** (-np.arange(pairs) / pairs)).astype(F32)
    return np.cos(angles), np.sin(angles)


COS, SIN = tables(16, 4)
SCALE, ZERO = some(0.03), some(120, dtype=U8)
QUANTISED = [bytes_of(2, 3, 4, 5), SCALE, ZERO]
RESULT = [some(0.05), some(100, dtype=U8)]
# Weights whose products do not saturate where ONNX Runtime adds two of them in 16 bits.
SIGNED = (np.arange(320) * 37 % 101 - 50).reshape(2, 8, 20).astype(I8)
ONE = np.full(1, 0.01, F32), np.zeros(1, I8)
EACH = np.linspace(0.005, 0.02, 40, dtype=F32).reshape(2, 20), np.zeros((2, 20), I8)
TABLES = [rows(20, 8), rows(16, 8), rows(2, 8), rows(8), rows(8)]
IDS = some([3, 0, 19, 7], [1, 2, 3, 4], dtype=I32)
SEGMENTS = some([0, 1, 1, 0], [0, 0, 1, 1], dtype=I32)
SEEN = some([1, 1, 1, 1, 0], [1, 1, 0, 0, 0], dtype=I32)
STATE = rows(2, 5, 32)
PROMPT = [rows(2, 5, 64), rows(2, 5, 32), rows(2, 5, 32), rows(2, 2, 0, 16), rows(2, 2, 0, 16),
          some(4, 4, dtype=I32), some(5, dtype=I32)]  # fmt: skip
STEP = [rows(2, 1, 64), rows(2, 1, 32), rows(2, 1, 32), rows(2, 2, 6, 16), rows(2, 2, 6, 16),
        some(6, 6, dtype=I32), some(7, dtype=I32)]  # fmt: skip
UNEVEN = [*STEP[:5], some(6, 3, dtype=I32),
          some(7, dtype=I32)]  # fmt: skip
WIDE = tables(16, 8)  # for heads of 16
GROUPS = {"num_heads": 4, "kv_num_heads": 2}

# name: (operator, inputs, attributes, outputs to compare)
CASES = {
    "matmul": ("FusedMatMul", [rows(2, 3, 4), rows(2, 4, 5)], {"alpha": 0.5}, [0]),
    "matmul_trans": ("FusedMatMul", [rows(2, 4, 3), rows(2, 5, 4)],
                     {"transA": 1, "transB": 1}, [0]),
    "matmul_batch": ("FusedMatMul", [rows(3, 2, 4), rows(2, 4, 5)], {"transBatchA": 1}, [0]),
    "matmul_both": ("FusedMatMul", [rows(4, 2, 3), rows(2, 4, 5)],
                    {"transBatchA": 1, "transA": 1}, [0]),
    "gelu": ("Gelu", [rows(3, 7)], {}, [0]),
    "bias_gelu": ("BiasGelu", [rows(3, 7), rows(7)], {}, [0]),
    "fast_gelu": ("FastGelu", [rows(3, 7)], {}, [0]),
    "fast_gelu_bias": ("FastGelu", [rows(3, 7), rows(7)], {}, [0]),
    "quick_gelu": ("QuickGelu", [rows(3, 7)], {}, [0]),
    "skip": ("SkipLayerNormalization", [rows(2, 3, 8), rows(2, 3, 8), rows(8), rows(8)], {}, [0]),
    "skip_bias": ("SkipLayerNormalization",
                  [rows(2, 3, 8), rows(2, 3, 8), rows(8), rows(8), rows(8)],
                  {"epsilon": 1e-3}, [0, 3]),
    "skip_broadcast": ("SkipLayerNormalization", [rows(2, 3, 8), rows(3, 8), rows(8), None], {},
                       [0]),
    "skip_simplified": ("SkipSimplifiedLayerNormalization",
                        [rows(2, 3, 8), rows(2, 3, 8), rows(8), rows(8)], {}, [0, 3]),
    "embed": ("EmbedLayerNormalization", [IDS, SEGMENTS, *TABLES], {}, [0, 1]),
    "embed_mask": ("EmbedLayerNormalization",
                   [IDS, None, TABLES[0], TABLES[1], None, *TABLES[3:],
                    some([1, 1, 1, 0], [1, 1, 0, 0], dtype=I32),
                    some([3, 2, 1, 0], [5, 6, 7, 8], dtype=I32)], {}, [0, 1, 2]),
    "rotary_apart": ("RotaryEmbedding", [rows(2, 3, 5, 8), np.array([2]), COS, SIN], {}, [0]),
    "rotary_joined": ("RotaryEmbedding",
                      [rows(2, 5, 24), some([0, 1, 2, 3, 4], [3, 4, 5, 6, 7], dtype=I64), COS, SIN],
                      {"interleaved": 1}, [0]),
    "rotary_part": ("RotaryEmbedding",
                    [rows(2, 5, 48), np.array([0]), COS, SIN],
                    {"num_heads": 3, "rotary_embedding_dim": 8}, [0]),
    "attention": ("Attention", [STATE, rows(32, 96), rows(96)], {"num_heads": 4}, [0]),
    "attention_mask": ("Attention", [STATE, rows(32, 96), rows(96), SEEN], {"num_heads": 4}, [0]),
    "attention_lengths": ("Attention", [STATE, rows(32, 96), rows(96), some(3, 5, dtype=I32)],
                          {"num_heads": 4, "scale": 0.2}, [0]),
    "attention_past": ("Attention",
                       [STATE, rows(32, 96), rows(96), None, rows(2, 2, 4, 3, 8)],
                       {"num_heads": 4, "unidirectional": 1}, [0, 1]),
    "attention_sizes": ("Attention", [STATE, rows(32, 64), rows(64)],
                        {"num_heads": 4, "qkv_hidden_sizes": [24, 24, 16]}, [0]),
    "heads": ("MultiHeadAttention", [STATE, rows(2, 7, 32), rows(2, 7, 32)], {"num_heads": 4},
              [0]),
    "heads_bias": ("MultiHeadAttention", [STATE, STATE, STATE, rows(96), SEEN, rows(1, 4, 5, 5)],
                   {"num_heads": 4, "scale": 0.3}, [0]),
    "heads_causal": ("MultiHeadAttention", [STATE, STATE, STATE],
                     {"num_heads": 4, "unidirectional": 1}, [0]),
    "heads_past": ("MultiHeadAttention",
                   [STATE, STATE, STATE, None, None, None, rows(2, 4, 3, 8), rows(2, 4, 3, 8)],
                   {"num_heads": 4}, [0, 1, 2]),
    "heads_cross": ("MultiHeadAttention", [STATE, rows(2, 4, 7, 8), rows(2, 4, 7, 8)],
                    {"num_heads": 4}, [0]),
    "groups_prompt": ("GroupQueryAttention", PROMPT, GROUPS, [0, 1, 2]),
    "groups_step": ("GroupQueryAttention", STEP, GROUPS, [0, 1, 2]),
    "groups_rotary": ("GroupQueryAttention", [*STEP, *WIDE], {**GROUPS, "do_rotary": 1},
                      [0, 1, 2]),
    "groups_packed": ("GroupQueryAttention",
                      [rows(2, 5, 128), None, None, *PROMPT[3:], *WIDE],
                      {**GROUPS, "do_rotary": 1, "rotary_interleaved": 1}, [0, 1, 2]),
    "groups_window": ("GroupQueryAttention", STEP, {**GROUPS, "local_window_size": 3},
                      [0, 1, 2]),
    "groups_softcap": ("GroupQueryAttention", STEP, {**GROUPS, "softcap": 5.0, "scale": 0.4},
                       [0, 1, 2]),
    "qadd": ("QLinearAdd", [*QUANTISED, bytes_of(4, 5), some(0.02), some(90, dtype=U8), *RESULT],
             {}, [0]),
    "qmul": ("QLinearMul", [*QUANTISED, bytes_of(4, 5), some(0.02), some(90, dtype=U8), *RESULT],
             {}, [0]),
    "qsigmoid": ("QLinearSigmoid", [*QUANTISED, some(1 / 256), some(0, dtype=U8)], {}, [0]),
    "qleaky": ("QLinearLeakyRelu", [*QUANTISED, *RESULT], {"alpha": 0.2}, [0]),
    "qsoftmax": ("QLinearSoftmax", [*QUANTISED, some(1 / 256), some(0, dtype=U8)],
                 {"axis": -1, "opset": 13}, [0]),
    "qpool": ("QLinearGlobalAveragePool", [*QUANTISED, *RESULT], {"channels_last": 0}, [0]),
    "qconcat": ("QLinearConcat",
                [*RESULT, *QUANTISED, bytes_of(2, 6, 4, 5), some(0.01), some(3, dtype=U8)],
                {"axis": 1}, [0]),
    "integers": ("MatMulIntegerToFloat",
                 [bytes_of(3, 8), bytes_of(8, 5), some(0.02), rows(5),
                  some(7, dtype=U8), some(3, dtype=U8), rows(5)], {}, [0]),
    "dynamic": ("DynamicQuantizeMatMul",
                [rows(3, 8), bytes_of(8, 5, dtype=I8), some(0.02), some(-3, dtype=I8), rows(5)],
                {}, [0]),
    "bits4": ("MatMulNBits", [rows(3, 64), bytes_of(5, 2, 16), rows(10)],
              {"K": 64, "N": 5, "bits": 4, "block_size": 32}, [0]),
    "bits4_zero": ("MatMulNBits", [rows(2, 3, 80), bytes_of(5, 3, 16), rows(15), bytes_of(10)],
                   {"K": 80, "N": 5, "bits": 4, "block_size": 32}, [0]),
    "bits8": ("MatMulNBits", [rows(3, 64), bytes_of(5, 2, 32), rows(10), bytes_of(10)],
              {"K": 64, "N": 5, "bits": 8, "block_size": 32}, [0]),
    "qgemm": ("QGemm",
              [bytes_of(3, 8), SCALE, ZERO, bytes_of(8, 5), some(0.01, 0.02, 0.03, 0.01, 0.02),
               some(3, 200, 9, 1, 0, dtype=U8), some(-900, 70, 8, 0, 2000, dtype=I32), some(8.0),
               some(90, dtype=U8)], {}, [0]),
    "qgemm_float": ("QGemm",
                    [bytes_of(8, 3), SCALE, ZERO, bytes_of(5, 8), some(0.02), some(7, dtype=U8)],
                    {"transA": 1, "transB": 1, "alpha": 0.5}, [0]),
    "qpool_window": ("QLinearAveragePool", [*QUANTISED, *RESULT],
                     {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1],
                      "count_include_pad": 1}, [0]),
    "conv": ("FusedConv", [rows(1, 3, 6, 5), rows(4, 3, 3, 3), rows(4)],
             {"activation": "Relu", "pads": [1, 1, 1, 1]}, [0]),
    "conv_sum": ("FusedConv", [rows(1, 3, 6, 5), rows(4, 3, 3, 3), rows(4), rows(1, 4, 4, 3)],
                 {"activation": "Clip", "activation_params": [-1.0, 2.0]}, [0]),
    "conv_leaky": ("FusedConv", [rows(1, 2, 6, 5), rows(4, 1, 3, 3)],
                   {"activation": "LeakyRelu", "activation_params": [0.3], "group": 2}, [0]),
    "lstm": ("DynamicQuantizeLSTM",
             [rows(6, 1, 8), SIGNED[:1], SIGNED[1:, :5],
              rows(1, 40), None, rows(1, 1, 5), rows(1, 1, 5), None,
              *ONE, *ONE], {"hidden_size": 5}, [0, 1, 2]),
    "lstm_both": ("DynamicQuantizeLSTM",
                  [rows(6, 1, 8), SIGNED, SIGNED[:, :5], None, None, None, None, None,
                   *EACH, *EACH], {"hidden_size": 5, "direction": "bidirectional"}, [0]),
}  # fmt: skip


def array(value, rng):
    if isinstance(value, np.ndarray):
        return value
    kind, shape = value
    if kind == "f":
        return rng.standard_normal(shape).astype(F32)
    info = np.iinfo(kind)
    return rng.integers(info.min, info.max, shape, endpoint=True, dtype=kind)


def model_of(operator, inputs, attributes, outputs, domain="com.microsoft"):
    names = ["" if x is None else f"in{i}" for i, x in enumerate(inputs)]
    results = [f"out{i}" if i in outputs else "" for i in range(max(outputs) + 1)]
    node = helper.make_node(operator, names, results, domain=domain, **attributes)
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
             for n, x in zip(names, inputs) if n]  # fmt: skip
    made = [helper.make_empty_tensor_value_info(n) for n in results if n]
    graph = helper.make_graph([node], "case", infos, made)
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    return model, {n: x for n, x in zip(names, inputs) if n}


def results(tmp_path, operator, inputs, attributes, outputs, domain="com.microsoft"):
    """Pairs of ours and ONNX Runtime's."""
    rng = np.random.default_rng(zlib.crc32(operator.encode()))
    arrays = [None if x is None else array(x, rng) for x in inputs]
    model, feeds = model_of(operator, arrays, attributes, outputs, domain)
    want = op_harness.ort_runner(model)(feeds)
    path = tmp_path / "case.onnx"  # onnx's checker, which the backend asks, knows no such operators
    onnx.save(model, path)
    got = list(mt.compile(str(path)).run(feeds).values())
    return zip(got, want, strict=True)


def check(g, w):
    assert g.dtype == w.dtype and g.shape == w.shape
    if w.dtype.kind in "iu":  # a number between two others may be rounded to either
        assert np.abs(g.astype(I64) - w.astype(I64)).max() <= (w.dtype.itemsize == 1)
    else:
        np.testing.assert_allclose(g, w, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", CASES)
def test_as_onnx_runtime(name, tmp_path):
    for got, want in results(tmp_path, *CASES[name]):
        check(got, want)


@pytest.mark.parametrize("count", [2, 3])
def test_packed_operands_are_those_that_were_packed(count, tmp_path):
    """ONNX Runtime has them for other devices than this one: it is given the operands apart."""
    rng = np.random.default_rng(count)
    states = [rng.standard_normal((2, 5, 4, 8)).astype(F32) for _ in range(3)]
    apart = [x.reshape(2, 5, 32) for x in states]
    packed = apart[:3 - count] + [np.stack(states[3 - count:], axis=3)]
    ours, feeds = model_of("MultiHeadAttention", packed, {"num_heads": 4}, [0])
    onnx.save(ours, tmp_path / "case.onnx")
    got = mt.compile(str(tmp_path / "case.onnx")).run(feeds)["out0"]
    theirs, feeds = model_of("MultiHeadAttention", apart, {"num_heads": 4}, [0])
    check(got, op_harness.ort_runner(theirs)(feeds)[0])


def test_rows_of_a_batch_may_have_caches_of_their_own_length(tmp_path):
    """What lies behind the length of a row is not compared: nothing reads it."""
    case = "GroupQueryAttention", [*UNEVEN, *WIDE], {**GROUPS, "do_rotary": 1}, [0, 1, 2]
    check(*next(iter(results(tmp_path, *case))))


def test_simplified_layer_normalization_is_in_onnx_own_domain(tmp_path):
    case = "SimplifiedLayerNormalization", [rows(2, 3, 8), rows(8)], {"axis": -1}, [0], ""
    for got, want in results(tmp_path, *case):
        check(got, want)
