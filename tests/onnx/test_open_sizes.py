# SPDX-License-Identifier: Apache-2.0
"""open_sizes.py on a small model: one package, ten sizes; and that it sees an error.

Takes: a convolution and a pool over an image of open size, rows chosen by a scalar.
"""

import onnx.parser
import open_sizes

MODEL = """<ir_version: 8, opset_import: ["" : 17]>
g (float[b,1,h,w] x, int64 by) => (float[b,1,p,q] y)
<float[1,1,3,3] k = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}> {
    c = Conv <pads = [1,1,1,1]> (x, k)
    f = CastLike(by, x)
    s = Mul(c, f)
    y = MaxPool <kernel_shape = [2,2], strides = [2,2]> (s)
}"""


def test_one_package_at_ten_sizes(tmp_path, capsys):
    model = tmp_path / "small.onnx"
    onnx.save(onnx.parser.parse_model(MODEL), model)
    words = [str(model), "--input", "x=b,1,h,w", "--value", "by=3"]
    words += ["--size", "b=1..3", "--size", "h=2..40", "--size", "w=2..40/2"]
    assert open_sizes.main(words) == 0
    assert "10 runs, largest error" in capsys.readouterr().out
    assert open_sizes.main([*words, "--runs", "2", "--tolerance", "-1"]) == 1
