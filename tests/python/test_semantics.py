# SPDX-License-Identifier: Apache-2.0
"""What arrays mean, a test by name each: results that other systems get wrong, and what is decided
where NumPy and PyTorch differ.

Takes nothing. Keeps true: a test says one meaning; sweeps against NumPy are in test_array_api.py.
"""
import copy
import pickle

import ml_dtypes
import numpy
import pytest
import torch

import mintor as mt
from mintor import _mintor


def compiled():
    return _mintor.statistics()["compiled"]


# ---- numbers ----

def test_the_mean_of_ones_is_one():
    for count in (1, 7, 4097, 100_003):
        assert mt.ones(count).mean().item() == 1
        assert mt.ones(count, dtype="float16").mean().item() == 1


def test_int64_survives():
    x = mt.array([2 ** 40, -2 ** 62])
    assert x.dtype == mt.int64 and (x + 1).tolist() == [2 ** 40 + 1, -2 ** 62 + 1]
    assert mt.array([1, 2, 3]).sum().dtype == mt.int64
    assert mt.array([2 ** 31 - 1] * 4, "int32").sum().item() == 4 * (2 ** 31 - 1)


def test_float64_stays():
    x = mt.array(numpy.array([1 + 2 ** -40]))
    assert x.dtype == mt.float64 and (x * 1).tolist() == [1 + 2 ** -40]
    for y in (x + 1, x * 2.5, mt.sin(x), mt.tan(x), x.mean(), x @ x, mt.stack([x, x]), x / 3,
              mt.where(x > 0, x, 0.0), x.sum(), mt.softmax(x), x.std(), x ** 0.5):
        assert y.dtype == mt.float64


def test_nan_differs_from_itself():
    x = mt.array([numpy.nan, 1.0])
    y = x
    assert (x == y).tolist() == [False, True] and (x != y).tolist() == [True, False]
    assert mt.maximum(x, 0.0).tolist()[1] == 1 and numpy.isnan(mt.maximum(x, 0.0).tolist()[0])
    assert numpy.isnan(x.max().item()) and numpy.isnan(x.min().item())
    assert x.argmax().item() == 0 and mt.nanmax(x).item() == 1
    assert not bool(x[0] < 1) and not bool(x[0] > 1)


def test_floor_division_and_remainder_are_pythons():
    for a, b in ((-7, 2), (7, -2), (-7, -2), (7, 2)):
        assert (mt.array(a) // b).item() == a // b and (mt.array(a) % b).item() == a % b
        assert (mt.array(float(a)) // b).item() == a // b
        assert (mt.array(float(a)) % b).item() == a % b
        assert mt.fmod(mt.array(a), b).item() == numpy.fmod(a, b)
    assert (-mt.array([7]) // 2).tolist() == [-4]


def test_pythons_own_functions():
    x = mt.array([7, -7])
    assert [part.tolist() for part in divmod(x, 2)] == [[3, -4], [1, 1]]
    assert [part.tolist() for part in divmod(9, x)] == [[1, -2], [2, -5]]
    assert round(mt.array([2.5, 1.26]), 1).tolist() == pytest.approx([2.5, 1.3])
    assert abs(x).tolist() == [7, 7] and (+x).tolist() == [7, -7]
    assert pow(mt.array(2.0), 3).item() == 8 and list(range(mt.array(3))) == [0, 1, 2]


def test_division_of_integers_is_true():
    x = mt.array([7, -7]) / 2
    assert x.dtype == mt.float32 and x.tolist() == [3.5, -3.5]


def test_zero_dimensions():
    x = mt.array(3.0)
    assert x.shape == () and x.ndim == 0 and x.size == 1 and x.sum().shape == ()
    assert float(x) == 3 and int(x) == 3 and bool(x) and x.item() == 3 and f"{x:.1f}" == "3.0"
    assert mt.array([1, 2, 3])[0].shape == () and mt.array([1, 2])[mt.array(1)].item() == 2
    assert [10, 20, 30][mt.array(1)] == 20
    with pytest.raises(TypeError):
        len(x)
    with pytest.raises(ValueError):
        float(mt.array([1.0, 2.0]))


def test_integers_wrap_and_do_not_saturate():
    assert (mt.array([127], "int8") + 1).tolist() == [-128]
    assert (mt.array([0], "uint8") - 1).tolist() == [255]


# ---- dtypes ----

def test_python_numbers_take_the_dtype_of_the_array():
    for name in ("float16", "bfloat16", "float32", "float64"):
        x = mt.ones(2, dtype=name)
        assert all(y.dtype == x.dtype for y in (x + 1, 1.5 * x, x ** 2, 2 - x, x / 2))
    assert (mt.ones(2, dtype="int8") + 1).dtype == mt.int8
    assert (mt.ones(2, dtype="int8") * 0.5).dtype == mt.float32
    assert (mt.ones(2, dtype="bool") + 1).dtype == mt.int64


def test_numpy_scalars():
    x = mt.ones(2)
    assert (x * numpy.float64(2)).dtype == mt.float32         # weak, as a Python float
    assert (numpy.float64(2) * x).dtype == mt.float32
    assert (mt.ones(2, dtype="int8") + numpy.int64(2)).dtype == mt.int64
    assert (mt.ones(2, dtype="float16") * numpy.float32(2)).dtype == mt.float32
    assert (x * numpy.array([1.0, 2.0])).dtype == mt.float64  # ndarrays are strong


def test_default_dtypes():
    assert mt.array([1.0]).dtype == mt.float32 and mt.array([1]).dtype == mt.int64
    assert mt.array([True]).dtype == mt.bool and mt.zeros(1).dtype == mt.float32
    assert mt.array(numpy.zeros(1)).dtype == mt.float64 and mt.arange(3).dtype == mt.int64
    assert mt.randn(2).dtype == mt.float32 and mt.array([1, 2.5]).dtype == mt.float32


def test_dtypes_have_many_spellings():
    for spelling in ("float32", mt.float32, numpy.float32, numpy.dtype("float32"), torch.float32):
        assert mt.zeros(1, dtype=spelling).dtype == mt.float32
    assert mt.float32([1, 2]).dtype == mt.float32 and mt.int8(3).dtype == mt.int8
    x = mt.array([1.7])
    assert x.long().dtype == mt.int64 and x.double().dtype == mt.float64
    assert x.astype("int32").tolist() == [1] and x.to(torch.float64).dtype == mt.float64
    with pytest.raises(TypeError):
        mt.zeros(1, dtype="no dtype")
    with pytest.raises(TypeError):
        mt.array([1 + 2j])


def test_bfloat16_is_that_of_ml_dtypes():
    x = mt.array([1.0, 2.5], "bfloat16")
    assert x.dtype == ml_dtypes.bfloat16 and x.numpy().dtype == ml_dtypes.bfloat16
    assert (x * 2).dtype == mt.bfloat16 and (x * 2).tolist() == [2, 5]
    assert mt.array(numpy.array([1.5], ml_dtypes.bfloat16)).dtype == mt.bfloat16
    assert (x + mt.ones(2, dtype="float16")).dtype == mt.float32


# ---- objects and values ----

def test_in_place_operators_are_seen_by_every_name():
    x = mt.array([1.0, 2.0])
    y = x
    x += 1
    y[0] = 10
    x.mul_(2)
    assert x is y and y.tolist() == [20, 6]


def test_a_graph_keeps_the_value_it_was_made_of():
    x = mt.array([1.0, 2.0])
    y = x * 10
    x += 100
    x[0] = 0
    assert y.tolist() == [10, 20] and x.tolist() == [0, 102]


def test_copies_are_apart():
    x = mt.array([1.0, 2.0])
    for y in (x.clone(), x.copy(), mt.array(x), copy.copy(x),
              copy.deepcopy(x), pickle.loads(pickle.dumps(x)), x.astype("float32"), x[:], +x,
              x.reshape(2), x.view(-1), x.detach(), x.T):
        assert y is not x
        y += 1
        assert x.tolist() == [1, 2] and y.tolist() == [2, 3]


def test_numpy_input_is_copied_when_it_is_recorded():
    given = numpy.array([1.0, 2.0])
    x, y = mt.array(given), mt.ones(2) * given
    given[:] = 7
    assert x.tolist() == [1, 2] and y.tolist() == [1, 2]


def test_what_is_read_is_a_copy():
    x = mt.array([1.0, 2.0])
    for read in (x.numpy(), x.data, numpy.asarray(x), numpy.from_dlpack(x)):
        if read.flags.writeable:
            read[0] = 9
        assert x.tolist() == [1, 2]


def test_data_can_be_assigned():
    x = mt.array([1.0, 2.0])
    x.data = numpy.array([3, 4])
    assert x.dtype == mt.float32 and x.tolist() == [3, 4]


def test_an_operation_in_place_keeps_shape_and_dtype():
    x = mt.array([1, 2])
    x += 1.7
    assert x.dtype == mt.int64
    with pytest.raises(ValueError):
        x += mt.ones((2, 2))


# ---- other libraries ----

def test_an_ndarray_times_an_array_is_an_array():
    n, x = numpy.array([1.0, 2.0], "float32"), mt.array([3.0, 4.0])
    for y in (n * x, x * n, n + x, n - x, n / x, n ** x, n @ x, n > x, n == x, n // x, n % x):
        assert isinstance(y, mt.Array)
    assert isinstance(numpy.float32(2) * x, mt.Array) and (n * x).tolist() == [3, 8]
    assert isinstance(numpy.sin(x), mt.Array)
    n += x
    assert isinstance(n, numpy.ndarray) and n.tolist() == [4, 6]


def test_torch_tensors_are_taken():
    t = torch.arange(3, dtype=torch.float32)
    assert mt.array(t).tolist() == [0, 1, 2] and (mt.ones(3) + t).tolist() == [1, 2, 3]
    assert mt.array(t.requires_grad_()).tolist() == [0, 1, 2]
    assert mt.array(torch.ones(2, dtype=torch.bfloat16)).dtype == mt.bfloat16
    assert mt.array(torch.ones(2, dtype=torch.int16)).dtype == mt.int16
    assert mt.maximum(t.detach(), 1.0).tolist() == [1, 1, 2]


def test_dlpack_both_ways():
    x = mt.array([[1.0, 2.0], [3.0, 4.0]])
    assert numpy.from_dlpack(x).tolist() == x.tolist()
    assert torch.from_dlpack(x).tolist() == x.tolist() and x.__dlpack_device__() == (1, 0)
    assert mt.from_dlpack(torch.arange(3)).tolist() == [0, 1, 2]
    assert mt.from_dlpack(numpy.arange(3)).dtype == mt.int64


def test_the_buffer_protocol():
    assert memoryview(mt.array([1.0, 2.0])).tolist() == [1, 2]


def test_buffers_are_taken():
    assert mt.array(memoryview(numpy.arange(3))).tolist() == [0, 1, 2]
    assert mt.frombuffer(b"\x01\x02", "uint8").tolist() == [1, 2]
    assert bytes(mt.array([1, 2], "uint8").tobytes()) == b"\x01\x02"


def test_lists_with_arrays_stay_traced():
    x = mt.array([1.0, 2.0])
    y = mt.array([x[0] * 2, x[1], 5])
    assert y.tolist() == [2, 2, 5] and y.dtype == mt.float32
    assert mt.grad(y.sum(), x).tolist() == [2, 1]


# ---- spelling: where NumPy and PyTorch differ ----

def test_max_with_a_dimension_gives_values():
    x = mt.array([[1, 5, 2], [7, 0, 7]])
    assert x.max(-1).tolist() == [5, 7] and x.min(0).tolist() == [1, 0, 2]
    values, places = x.max(1, return_indices=True)
    assert values.tolist() == [5, 7] and places.tolist() == [1, 0]
    assert x.max(dim=0, keepdim=True).shape == (1, 3)


def test_transpose():
    x = mt.zeros((2, 3, 4))
    assert x.transpose(0, 2).shape == (4, 3, 2) and x.transpose(2, 0, 1).shape == (4, 2, 3)
    assert x.transpose((1, 0, 2)).shape == (3, 2, 4) and x.T.shape == (4, 3, 2)
    y = mt.array([[1, 2], [3, 4]])
    assert y.transpose(0, 1).tolist() == [[1, 3], [2, 4]] and x.mT.shape == (2, 4, 3)


def test_size():
    x = mt.zeros((2, 3))
    assert x.size == 6 and x.size() == (2, 3) and x.size(0) == 2 and x.size(-1) == 3
    assert x.size + 1 == 7 and x.numel() == 6 and x.nbytes == 24


def test_arrays_made_from_arrays():
    x = mt.zeros((2, 3), dtype="float64")
    assert x.new_zeros(4).dtype == mt.float64 and x.new_full((2,), 7).tolist() == [7, 7]
    assert x.new_ones((2, 2)).shape == (2, 2) and x.new_tensor([1]).dtype == mt.float64
    assert mt.ones(2).type_as(x).dtype == mt.float64 and x.is_floating_point()
    assert x.requires_grad_() is x and x.requires_grad and x.element_size() == 8


def test_split():
    x = mt.arange(6)
    assert [part.tolist() for part in x.split(3)] == [[0, 1], [2, 3], [4, 5]]
    assert [len(part) for part in mt.split(x, [4, 2])] == [4, 2]          # sizes: they sum to 6
    assert [len(part) for part in mt.split(x, [2, 5])] == [2, 3, 1]       # places
    assert [len(part) for part in mt.chunk(x, 4)] == [2, 2, 2]
    with pytest.raises(ValueError):
        mt.split(x, 4)
    with pytest.raises(ValueError):
        mt.split(x, [1, 5])                                               # both


def test_repeat_names_tile():
    x = mt.array([1, 2])
    assert x.repeat(2).tolist() == [1, 1, 2, 2] and mt.tile(x, 2).tolist() == [1, 2, 1, 2]
    with pytest.raises(TypeError, match="tile"):
        x.repeat(2, 3)
    with pytest.raises(ValueError, match="tile"):
        mt.repeat(x, (2, 3, 4))


def test_std_and_var():
    x = mt.array([1.0, 2.0, 4.0])
    values = x.numpy()
    assert x.var().item() == pytest.approx(values.var(), rel=1e-6)
    for option in ({"ddof": 1}, {"correction": 1}, {"unbiased": True}):
        assert x.std(**option).item() == pytest.approx(values.std(ddof=1), rel=1e-6)
        assert mt.var(x, **option).item() == pytest.approx(values.var(ddof=1), rel=1e-6)


def test_sort_does_nothing_in_place():
    x = mt.array([3, 1, 2])
    assert x.sort().tolist() == [1, 2, 3] and x.tolist() == [3, 1, 2]
    values, places = mt.topk(x, 2)
    assert values.tolist() == [3, 2] and places.tolist() == [0, 2]
    assert mt.sort(mt.array([2, 1]), descending=True).tolist() == [2, 1]


def test_shapes_as_arguments_or_as_a_tuple():
    assert mt.zeros(2, 3).shape == mt.zeros((2, 3)).shape == mt.zeros([2, 3]).shape == (2, 3)
    x = mt.arange(6)
    assert x.reshape(2, 3).shape == x.reshape((2, 3)).shape == x.view(2, -1).shape == (2, 3)
    y = x.reshape(2, 3)
    assert y.permute(1, 0).shape == mt.permute(y, (1, 0)).shape == (3, 2)
    assert x.unsqueeze(0).expand(4, -1).shape == (4, 6)


# ---- gradients and replay ----

def test_max_sends_its_gradient_to_the_first_maximum():
    x = mt.array([[1.0, 3.0, 3.0], [2.0, 2.0, 1.0]])
    assert mt.grad(x.max(), x).tolist() == [[0, 1, 0], [0, 0, 0]]
    assert mt.grad(x.max(1).sum(), x).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert mt.grad(x.min(1).sum(), x).tolist() == [[1, 0, 0], [0, 0, 1]]


def test_a_learning_rate_schedule_compiles_nothing():
    w = mt.array(numpy.ones(8, "float32"))
    for step in range(100):
        loss = ((w - 3.0) ** 2).sum()
        w = w - (0.1 / (1 + step)) * mt.grad(loss, w)
        w.numpy()
        if step == 1:
            before = compiled()
    assert compiled() == before


def test_a_slice_that_moves_compiles_once_more():
    data = mt.array(numpy.arange(1000, dtype="float32"))
    data.numpy()

    def step(i):
        return (data[i * 8:i * 8 + 8] * 2 + data[i]).sum().item()

    expected = [(numpy.arange(i * 8, i * 8 + 8) * 2 + i).sum() for i in range(100)]
    before = compiled()
    assert [step(i) for i in range(3)] == expected[:3]
    assert compiled() - before <= 2
    before = compiled()
    assert [step(i) for i in range(3, 100)] == expected[3:] and compiled() == before


def test_an_assignment_that_moves_compiles_once_more():
    x = mt.zeros(50)
    for i in range(50):
        x[i] = float(i)
        x.numpy()
        if i == 2:
            before = compiled()
    assert x.tolist() == list(range(50)) and compiled() == before


def test_a_number_that_changes_compiles_nothing():
    x = mt.array([1.0, 2.0])
    for i in range(20):
        assert ((x + i) * (i + 0.5)).tolist() == [(1 + i) * (i + 0.5), (2 + i) * (i + 0.5)]
        if i == 0:
            before = compiled()
    assert compiled() == before


def test_functions_of_numpy_call_methods():
    x = mt.array([[1.0, 2.0], [3.0, 5.0]])
    for name in ("sum", "mean", "max", "min", "prod", "std", "var", "cumsum", "argmax"):
        made = getattr(numpy, name)(x, axis=1)
        numpy.testing.assert_allclose(numpy.asarray(made), getattr(numpy, name)(x.numpy(), axis=1),
                                   rtol=1e-6)
