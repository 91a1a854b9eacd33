# SPDX-License-Identifier: Apache-2.0
# Everything a fresh Debian 12 machine with Python 3.11 needs: `make demo` and `make test` install
# what is missing (apt packages, .venv), build with CMake and Ninja, and run.
PYTHON ?= python3.11
BUILD ?= build/default
SUITES ?= lint,ctest
JOBS ?= $(shell nproc)
VENV := .venv/bin
export CMAKE_BUILD_PARALLEL_LEVEL = $(JOBS)
# Builds of one checkout share objects: ccache sees paths relative to it.
export CCACHE_BASEDIR = $(CURDIR)
export CCACHE_NOHASHDIR = 1

.PHONY: build demo test check test-variants golden-update lint bench setup setup-test compile-all
.PHONY: docs wheel fuzz

help:
	@echo 'make build          compiler, command line and Python module: $(VENV)/mintor'
	@echo 'make demo           a trained file-type classifier becomes a C++ package and runs'
	@echo 'make test           all tests; make check: those that need no PyTorch'
	@echo 'make test-variants  builds without LLVM and without ONNX, and checks them'
	@echo 'make fuzz           hostile files and texts, under sanitizers: SECONDS=600'
	@echo 'make golden-update  writes the golden files anew; look at the diff'
	@echo 'make docs           the reference of the Python module, in build/docs/api'
	@echo 'make wheel          one file for pip in dist/, tried in a fresh virtual environment'
	@echo 'make lint bench setup'

# --- set-up -----------------------------------------------------------------------------------
setup:
	@.ci/setup build

setup-test:
	@.ci/setup build test

.venv/.demo-stamp: frontends/python/requirements.txt | setup
	$(PYTHON) -m venv .venv
	$(VENV)/pip install --quiet --disable-pip-version-check -r $<
	touch $@

# PyTorch comes first and alone: with it installed, nothing asks for another build of it.
.venv/.test-stamp: tests/requirements.txt .venv/.demo-stamp | setup-test
	$(VENV)/pip install --quiet --disable-pip-version-check "$$(grep ^torch== $<)"
	$(VENV)/pip install --quiet --disable-pip-version-check -r $<
	touch $@

build/onnx/onnx-ml.proto: cmake/onnx_proto.py .venv/.demo-stamp
	$(VENV)/python $< $@

# --- build ------------------------------------------------------------------------------------
CONFIGURE = cmake -S . -B $(BUILD) -G Ninja \
  -Dpybind11_DIR="$$($(VENV)/pybind11-config --cmakedir)" \
  -DPython3_EXECUTABLE="$(abspath $(VENV)/python)"

build: setup .venv/.demo-stamp build/onnx/onnx-ml.proto
	$(CONFIGURE) -DMINTOR_TESTS=OFF
	cmake --build $(BUILD)
	@$(LINK_VENV)

# The virtual environment sees the build tree: a link and a path file, nothing is copied.
LINK_VENV = ln -sfn "$(abspath $(BUILD))/bin/mintor" $(VENV)/mintor && \
  echo "$(abspath $(BUILD))/python" > \
    "$$($(VENV)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/mintor.pth"

compile-all: setup-test .venv/.demo-stamp build/onnx/onnx-ml.proto
	$(CONFIGURE) -DMINTOR_TESTS=ON
	cmake --build $(BUILD)
	@$(LINK_VENV)

# --- run --------------------------------------------------------------------------------------
demo: build
	models/magika/demo.sh

check: compile-all
	$(PYTHON) tests/run.py --build $(BUILD) --suites $(SUITES) $(addprefix --beside ,$(BESIDE))

test: compile-all .venv/.test-stamp
	$(VENV)/python tests/run.py --build $(BUILD) --suites lint,ctest,pytest

# Without LLVM packages and a JIT through the system's compiler remain; without ONNX the text form.
# A test program that is that of the whole build, byte for byte, has been run there.
test-variants: setup-test .venv/.demo-stamp build/onnx/onnx-ml.proto
	$(MAKE) check BUILD=build/no-llvm VARIANT=-DMINTOR_LLVM=OFF $(REDUCED)
	$(MAKE) check BUILD=build/no-onnx VARIANT=-DMINTOR_ONNX=OFF $(REDUCED)
CONFIGURE += $(VARIANT)
REDUCED = LINK_VENV=true SUITES=ctest BESIDE=build/default

golden-update: compile-all
	$(BUILD)/tests/mintor_golden_tests --update

docs: build
	$(VENV)/python docs/reference.py build/docs/api

wheel: setup .venv/.test-stamp build/onnx/onnx-ml.proto
	$(VENV)/python tests/package/wheel.py dist

lint:
	$(PYTHON) tests/lint/lint.py

# Hostile files and texts, by libFuzzer: `make fuzz SECONDS=600`. Not a part of the tests: those run
# what a seed damages (tests/fuzz).
SECONDS ?= 60
FUZZ := build/fuzz
fuzz: setup-test .venv/.test-stamp build
	cmake -S . -B $(FUZZ) -G Ninja -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 \
	  -DMINTOR_FUZZ=ON -DMINTOR_TESTS=OFF -DMINTOR_LLVM=OFF -DMINTOR_PYTHON=OFF
	cmake --build $(FUZZ) --target mintor_fuzz_models mintor_fuzz_texts
	$(VENV)/python tests/fuzz/fuzz.py --build $(FUZZ) --seconds $(SECONDS)

bench: build .venv/.test-stamp
	$(VENV)/python tests/perf/peers.py
