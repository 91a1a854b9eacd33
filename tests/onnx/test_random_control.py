# SPDX-License-Identifier: Apache-2.0
"""Random models of If, Loop and Scan in one another agree with ONNX Runtime.

Takes: a few seeds of random_control.py, whose command line runs more. Gives: pytest results.
"""

import pytest
from random_control import check_seed


@pytest.mark.parametrize("seed", range(30))
def test_model(seed):
    problems = check_seed(seed)
    assert not problems, "\n".join(problems)
