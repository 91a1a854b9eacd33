# SPDX-License-Identifier: Apache-2.0
"""Fourier transforms beside NumPy's: ONNX Runtime's are good to four places only.

Takes: lengths with factors, which go in two steps, and without. Keeps true: a bin is as exact as
f32 can say it, whatever the way.
"""

import numpy as np
import onnx.parser
import pytest


def run(text, *inputs):
    from mintor import backend

    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]>' + text)
    return backend.prepare(model, "CPU").run(list(inputs))[0]


def check(got, wanted):
    got = got[..., 0] + 1j * got[..., 1]
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=2e-7 * np.abs(wanted).max())


def noise(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("onesided", [0, 1])
@pytest.mark.parametrize("length", [48, 97, 131, 320, 400, 512])
def test_frames(length, onesided):
    x, w = noise(2, 1100), noise(length)
    y = run(
        f"""g (float[b,n] x, float[{length}] w) => (float[b,f,k,2] y) {{
          step = Constant <value = int64 {{160}}> ()
          y = STFT <onesided = {onesided}> (x, step, w) }}""",
        x,
        w,
    )
    frames = np.lib.stride_tricks.sliding_window_view(x, length, axis=1)[:, ::160] * w
    wanted = np.fft.fft(frames.astype(np.float64))
    check(y, wanted[..., : length // 2 + 1] if onesided else wanted)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("inverse", [0, 1])
@pytest.mark.parametrize("length", [96, 97, 256])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axes(axis, length, inverse, parts):
    """What lies before and behind the axis; numbers that are real and that are not."""
    shape = [2, 3, 5]
    shape[axis] = length
    x = noise(*shape, parts)
    dims = ",".join(map(str, [*shape, parts]))
    y = run(
        f"""g (float[{dims}] x) => (float[p,q,r,2] y) {{
          y = DFT <axis = {axis}, inverse = {inverse}> (x) }}""",
        x,
    )
    pairs = x[..., 0].astype(np.float64) + (1j * x[..., 1] if parts == 2 else 0)
    check(y, (np.fft.ifft if inverse else np.fft.fft)(pairs, axis=axis))
