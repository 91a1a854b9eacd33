# SPDX-License-Identifier: Apache-2.0
"""Inference engines behind one face; the process that peers.py starts for each.

    engines.py ENGINE THREADS MODEL FOLDER MODULES KEPT     (answers requests, see `Session`)

To add one: a function (case, threads) that gives `Loaded`, and its line in ENGINES. `case` is what
an engine may know of a model: its ONNX file, inputs and expected outputs, and on demand the PyTorch
module that it was made of. Nothing of another engine is imported.
"""
import dataclasses
import functools
import importlib.util
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import turns


class Case:
    """NAME.onnx of a folder, with NAME.npz (`in_x`, `out_y`) or NAME.in.npz and NAME.out.npz."""

    def __init__(self, name, folder, modules, kept):
        self.name, self.folder, self.modules = name, pathlib.Path(folder), modules
        self.kept = pathlib.Path(kept)  # what engines convert models to
        self.path = self.folder / f"{name}.onnx"
        both = self.folder / f"{name}.npz"
        if both.exists():
            arrays = dict(np.load(both))
            self.inputs = {k[3:]: v for k, v in arrays.items() if k.startswith("in_")}
            self.outputs = [v for k, v in arrays.items() if k.startswith("out_")]
        else:
            self.inputs = dict(np.load(self.folder / f"{name}.in.npz"))
            self.outputs = list(np.load(self.folder / f"{name}.out.npz").values())

    def words(self):
        return self.name, str(self.folder), self.modules, str(self.kept)

    def module(self):
        """(PyTorch module, its arguments), from `load(name, folder)` or `make(name)` of MODULES."""
        path = pathlib.Path(self.modules)
        sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        made = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = made
        spec.loader.exec_module(made)
        if hasattr(made, "load"):
            return made.load(self.name, str(self.folder))
        return made.make(self.name)


@dataclasses.dataclass
class Loaded:
    run: Callable        # the call that is timed
    arrays: Callable     # its outputs as NumPy arrays, in the order of the model


def mintor(case, threads):
    """The JIT."""
    import mintor as mt

    model = mt.compile(str(case.path), threads=threads,
                       shapes={k: list(v.shape) for k, v in case.inputs.items()})
    return Loaded(lambda: model.run(case.inputs), lambda got: list(got.values()))


def shape_flags(case):
    return [f"--shape={k}={'x'.join(map(str, v.shape)) or 'scalar'}"
            for k, v in case.inputs.items()]


def build_package(case, folder, *flags):
    program = pathlib.Path(sys.executable).parent / "mintor"
    subprocess.run([program, "compile", case.path, "-o", folder, "--build", *shape_flags(case),
                    *flags], check=True, stdout=subprocess.DEVNULL)


def mintor_package(case, threads):
    """The artefact that ships: written, built by a C++ compiler, opened."""
    import mintor as mt

    folder = tempfile.mkdtemp(prefix="mintor-peers-")
    build_package(case, folder)
    model = mt.load(folder, threads=threads)
    return Loaded(lambda: model.run(case.inputs), lambda got: list(got.values()))


def torch(case, threads, compiled=False):
    import torch as th

    th.set_num_threads(threads)
    module, arguments = case.module()
    if compiled:
        import torch._inductor.config

        torch._inductor.config.freezing = True
        module = th.compile(module)

    @th.inference_mode()
    def run():
        return module(*arguments)

    @th.no_grad()
    def run_compiled():  # freezing refuses inference tensors of its own making
        return module(*arguments)

    return Loaded(run_compiled if compiled else run, lambda got: [
        x.numpy() for x in (got if isinstance(got, (tuple, list)) else (got,))])


def onnxruntime(case, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(str(case.path), options, providers=["CPUExecutionProvider"])
    return Loaded(lambda: session.run(None, case.inputs), list)


def openvino(case, threads):
    import openvino as ov

    core = ov.Core()
    model = core.read_model(str(case.path))
    model.reshape({k: list(v.shape) for k, v in case.inputs.items()})
    # f32 has to be asked for: it takes bf16 by itself where the processor has it.
    compiled = core.compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    for name, array in case.inputs.items():  # shares the memory of `case.inputs`
        request.set_tensor(name, ov.Tensor(array, shared_memory=True))
    return Loaded(request.infer, lambda _: [
        request.get_output_tensor(i).data.copy() for i in range(len(compiled.outputs))])


def ncnn_files(case):
    """Converts the traced module with pnnx."""
    import torch as th

    folder = case.kept / "ncnn" / case.name
    module, arguments = case.module()
    # It converts no types: a mask of integers goes in as f32.
    arguments = [arguments[0], *(a.float() for a in arguments[1:])]
    with th.no_grad():
        th.jit.trace(module, arguments).save(str(folder / "m.pt"))
    shapes = ",".join(f"[{','.join(map(str, a.shape))}]{'i64' if a.dtype == th.int64 else 'f32'}"
                      for a in arguments)
    subprocess.run([pathlib.Path(sys.executable).parent / "pnnx", "m.pt", f"inputshape={shapes}",
                    "fp16=0"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def ncnn(case, threads):
    """Batch 1 only: its arrays have no batch axis."""
    import ncnn as nn

    if any(a.shape[0] != 1 for a in case.inputs.values()):
        raise NotImplementedError("ncnn has no batch axis")
    net = nn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = net.opt.use_bf16_storage = False
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    folder = case.kept / "ncnn" / case.name
    if not (folder / "m.ncnn.bin").exists():
        folder.mkdir(parents=True, exist_ok=True)
        # PyTorch must not be in the process that is timed.
        subprocess.run([sys.executable, __file__, "ncnn files", *case.words()], check=True)
    for load, end in ((net.load_param, "param"), (net.load_model, "bin")):
        if load(str(folder / f"m.ncnn.{end}")):
            raise RuntimeError(f"ncnn refuses its .{end}")
    arrays = [a[0] if a.dtype == np.float32 else a[0].astype(np.float32 if i else np.int32)
              for i, a in enumerate(case.inputs.values())]
    mats = [nn.Mat(a).clone() for a in arrays]

    def run():
        with net.create_extractor() as extractor:
            for i, mat in enumerate(mats):
                extractor.input(f"in{i}", mat)
            return [extractor.extract(f"out{i}")[1] for i in range(len(case.outputs))]

    return Loaded(run, lambda got: [np.array(x) for x in got])


ENGINES = {"mintor": mintor, "mintor-package": mintor_package, "torch": torch,
           "torch.compile": functools.partial(torch, compiled=True), "onnxruntime": onnxruntime,
           "openvino": openvino, "ncnn": ncnn}


def error(got, want):
    """Largest error over largest output."""
    worst = 0.0
    for g, w in zip(got, want, strict=True):
        apart = np.abs(np.asarray(g, np.float64).reshape(w.shape) - w).max()
        worst = max(worst, float(apart / max(np.abs(w).max(), 1e-30)))
    return worst if np.isfinite(worst) else 1e30


def memory():
    """MiB that the process holds beside mapped files, now; the peak of everything, of this process
    or of the largest that it started."""
    with open("/proc/self/status", encoding="utf-8") as file:
        values = dict(line.split(":", 1) for line in file)
    return {"anonymous_mib": int(values["RssAnon"].split()[0]) / 1024,
            "peak_mib": max(int(values["VmHWM"].split()[0]),
                            resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024}


class Session:
    """Requests: "load" gives seconds, error and memory; "memory" that of now; a number runs for so
    many seconds."""

    def __init__(self, engine, case, threads):
        self.engine, self.case, self.threads, self.loaded = engine, case, threads, None

    def __call__(self, request):
        if request == "memory":
            return memory()
        if request != "load":
            return turns.sample(self.loaded.run, request)
        begin = time.perf_counter()
        self.loaded = ENGINES[self.engine](self.case, self.threads)
        first = self.loaded.arrays(self.loaded.run())
        seconds = time.perf_counter() - begin
        return {"seconds": seconds, "error": error(first, self.case.outputs), **memory()}


def main():
    engine, threads, *words = sys.argv[1:]
    if engine == "ncnn files":
        ncnn_files(Case(threads, *words))
    else:
        turns.serve(Session(engine, Case(*words), int(threads)))


if __name__ == "__main__":
    main()
