#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make demo` runs: fetch the trained model, compile it to a package, build the package and
# the program classify.c with the system's compiler, classify real files.
# Takes: .venv/bin/mintor (made by `make build`); CC and CXX when set. Gives: everything below
# build/demo. Keeps true: no PyTorch, no ONNX Runtime, nothing of the fetched wheel is run.
set -eu
cd "$(dirname "$0")/../.."
demo=build/demo
venv=.venv/bin
model=$demo/models/magika
mkdir -p "$demo"

"$venv/python" models/fetch.py --cache "$demo" --only magika
"$venv/mintor" compile "$model/model.onnx" -o "$demo/magika" --build \
  --case models/magika/cases/case0.in.npz,models/magika/cases/case0.out.npz
"$venv/mintor" verify "$demo/magika"

"$venv/python" models/magika/make_config.py --model "$model" --out "$demo/magika_config.h"
library=$demo/magika/build/libmagika.so
${CC:-cc} -std=c11 -O2 -Wall -Wextra -I "$demo" -I "$demo/magika/include" \
  models/magika/classify.c -o "$demo/classify" \
  "$library" -ldl -Wl,-rpath,"$PWD/$(dirname "$library")"

# The repository's own files, and files of several other kinds that any such machine has.
"$demo/classify" --weights "$demo/magika/weights/weights.bin" \
  README.md Makefile CMakeLists.txt LICENSE pyproject.toml models runtime/include \
  "$model/model.onnx" "$model/config.min.json" "$demo/classify" /bin/sh /etc/passwd
