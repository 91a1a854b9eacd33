#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole example: data, training in Python, the same training in C++, what both made compared.
# Takes: .venv (made by `make build`); CXX, MINTOR_PYTHON and arguments for train.py when set.
# Gives: everything below build/fashion_mnist. Keeps true: the C++ program links the package and the
# language's own libraries only.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${MINTOR_PYTHON:-$root/.venv/bin/python}
out=${FASHION_MNIST_OUT:-$root/build/fashion_mnist}
threads=${THREADS:-$(nproc)}

"$python" "$here/data.py" "$out"
"$python" "$here/train.py" "$out" "$@"
library=$out/trainer/build/libtrainer.so
${CXX:-c++} -std=c++17 -O2 -Wall -Wextra -I "$out/trainer/include" "$here/train.cpp" \
  -o "$out/train" "$library" -Wl,-rpath,"$(dirname "$library")"
"$out/train" "$out" 200 128 "$threads"
"$python" "$here/check.py" "$out"
