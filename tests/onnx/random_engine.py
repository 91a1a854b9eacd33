# SPDX-License-Identifier: Apache-2.0
"""Runs random models in Mintor, says what is wrong with the answers, and shortens what fails.

Takes: Cases (random_values.py). Gives: a Verdict for each; the kind is one of ok, refused (the
model, with the compiler's words), wrong, bits (levels, threads or the evaluator disagree),
internal, crash and hang. Keeps true: models are compiled and run in a worker process, which is
replaced when it dies or takes too long, so that one bad model costs one verdict.
"""

import contextlib
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import numpy as np
from random_oracle import Refused

LEVELS = (("native", 2), ("v3", 1), ("reference", 3))
SECONDS = 120


@dataclass
class Verdict:
    kind: str
    text: str = ""

    def __str__(self):
        text = "\n".join(line[:200] for line in self.text.split("\n")[:4])
        return f"{self.kind}: {text}" if text else self.kind

    def like(self, other):
        """The same fault, as far as its text tells: numbers and names may differ."""
        words = [re.sub(r"\d+|'[^']*'|\[[^]]*\]", "", v.text.split("\n")[0]) for v in (self, other)]
        return self.kind == other.kind and (self.kind in ("wrong", "bits") or words[0] == words[1])


# ---------------------------------------------------------------- in the worker
def evaluated(path, inputs, names, folder):
    """The outputs by the reference evaluator, through the command line."""
    program = os.environ.get("MINTOR") or str(pathlib.Path(sys.executable).parent / "mintor")
    command = [program, "run", path, "--evaluate", "--save", folder]
    for i, (name, array) in enumerate(inputs.items()):
        np.save(f"{folder}/in{i}.npy", array)
        command += ["--input", f"{name}={folder}/in{i}.npy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"evaluator, status {done.returncode}: {done.stderr[-600:]}")
    return [np.load(f"{folder}/{name}.npy") for name in names]


def answers(model, runs, full):
    """[(who, outputs of each run)], the first through the JIT at this machine's level."""
    import mintor

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        pathlib.Path(path).write_bytes(model)
        found = []
        for level, threads in LEVELS if full else LEVELS[:1]:
            compiled = mintor.compile(path, target=level, threads=threads, cache_dir=folder)
            names = [name for name, _, _ in compiled.outputs]
            outputs = []
            for inputs in runs:
                results = compiled.run(known_to(compiled, inputs))
                outputs.append([results[n] for n in names])
            found.append((f"{level}, {threads} threads", outputs))
        if full:
            files = [evaluated(path, known_to(compiled, i), names, folder) for i in runs]
            found.append(("evaluator", files))
        return found


def known_to(compiled, inputs):
    """What nothing reads may be left out of the compiled model."""
    ports = {name for name, _, _ in compiled.inputs}
    return {n: x for n, x in inputs.items() if n in ports}


def worker(channel):
    with open(os.devnull, "w", encoding="utf-8") as silence:
        os.dup2(silence.fileno(), 2)
    import mintor

    while True:
        request = channel.recv()
        if request is None:
            return
        try:
            channel.send(("ok", answers(*request)))
        except mintor.CompileError as error:
            channel.send(("refused", str(error)))
        except mintor.InternalError as error:
            channel.send(("internal", str(error)))
        except Exception as error:
            channel.send(("internal", f"{type(error).__name__}: {error}"))


# ---------------------------------------------------------------- outside
class Engine:
    """One worker, started again when it dies. `run` gives ("ok", answers) or (kind, text)."""

    def __init__(self):
        self.context = multiprocessing.get_context("spawn")
        self.process = None

    def start(self):
        self.channel, end = self.context.Pipe()
        self.process = self.context.Process(target=worker, args=(end,), daemon=True)
        self.process.start()
        end.close()

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None

    def run(self, case, full):
        if self.process is None:
            self.start()
        self.channel.send((case.model, case.runs, full))
        try:
            if self.channel.poll(SECONDS):
                return self.channel.recv()
            wrong = "hang", f"no answer after {SECONDS} s"
        except (EOFError, ConnectionResetError):
            self.process.join()
            wrong = "crash", f"exit status {self.process.exitcode}"
        self.stop()
        return wrong

    def judge(self, case, full=True):
        kind, found = self.run(case, full)
        if kind != "ok":
            return Verdict(kind, found)
        wrong = first_wrong(case, found[0][1])
        if wrong:
            return Verdict("wrong", wrong)
        for who, outputs in found[1:]:
            for s, (a, b) in enumerate(zip(found[0][1], outputs)):
                for i, (x, y) in enumerate(zip(a, b)):
                    if not same_bits(x, y):
                        sizes = {n: v.shape for n, v in case.runs[s].items()}
                        return Verdict("bits", f"{who}, output {i} at {sizes}: {where(x, y)}")
        return Verdict("ok")


@contextlib.contextmanager
def engine():
    running = Engine()
    try:
        yield running
    finally:
        running.stop()


def same_bits(a, b):
    """Equal bytes, every NaN counting as one."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind == "f":
        nan = np.isnan(a) & np.isnan(b)
        a, b = np.where(nan, 0, a), np.where(nan, 0, b)
    return a.tobytes() == b.tobytes()


def where(got, want):
    """The first place where two arrays differ."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype}{got.shape}, the other {want.dtype}{want.shape}"
    differs = ~((got == want) | ((got != got) & (want != want)))
    if got.dtype.kind == "f":
        differs |= (np.signbit(got) != np.signbit(want)) & (got == want) & (got == 0)
    if not differs.any():
        return "equal"
    at = tuple(int(i) for i in np.argwhere(differs)[0])
    return f"{differs.sum()} of {got.size} differ, first at {at}: {got[at]}, the other {want[at]}"


def difference(got, want, allowed, bits):
    """What is wrong with one output, or None. `allowed` None: exact."""
    if got.dtype != want.dtype:
        return f"dtype {got.dtype}, want {want.dtype}"
    if got.shape != want.shape:
        return f"shape {got.shape}, want {want.shape}"
    fine = (got == want) | ((got != got) & (want != want))
    if bits and got.dtype.kind == "f":
        fine &= (np.signbit(got) == np.signbit(want)) | (got != got)
    if allowed is not None:
        with np.errstate(all="ignore"):
            error = np.abs(got.astype(np.float64) - want.astype(np.float64))
        fine |= (error <= allowed) | np.isinf(allowed)
    if fine.all():
        return None
    at = tuple(int(i) for i in np.argwhere(~fine)[0])
    room = "" if allowed is None else f" within {allowed[at]:.3g}"
    count = f"{(~fine).sum()} of {want.size} values"
    return f"{count}, first at {at}: {got[at]}, want {want[at]}{room}"


def first_wrong(case, outputs):
    for s, (got, wants) in enumerate(zip(outputs, case.wants)):
        for i, (g, (want, allowed)) in enumerate(zip(got, wants)):
            wrong = difference(g, want, allowed, case.bits[i])
            if wrong:
                sizes = {n: v.shape for n, v in case.runs[s].items()}
                return f"output {i} at {sizes}: {wrong}"
    return None


# ---------------------------------------------------------------- shortening
class Shrinker:
    """Keeps a change when the shorter model still fails in the same way."""

    def __init__(self, g, running, verdict, full):
        self.g, self.engine, self.verdict, self.full = g, running, verdict, full
        self.outputs, self.cut, self.runs, self.static = None, (), None, False

    def fails(self, **changes):
        kind = {"outputs": self.outputs, "cut": self.cut, "runs": self.runs, "static": self.static}
        kind.update(changes)
        if not kind["outputs"]:
            return False
        found = self.engine.judge(self.g.case(**kind), self.full)
        if not found.like(self.verdict):
            return False
        self.found = found
        for name, value in changes.items():
            setattr(self, name, value)
        return True

    def shrink(self, outputs):
        if not self.fails(outputs=outputs):
            return None  # it does not fail again
        self.one_output()
        self.cut_values()
        if self.verdict.kind != "refused":
            for s in range(self.g.count):
                if self.fails(runs=[s]):
                    break
        if self.runs is not None:
            self.fails(static=True)
        self.cut_values()
        return self.g.case(self.outputs, self.cut, self.runs, self.static)

    def one_output(self):
        """The earliest value that fails alone, or fewer outputs."""
        made = [n for node in self.g.nodes for n in node.output]
        read, _ = self.g.needed(self.outputs)
        known = {n for node in read for n in node.output}
        for name in made:
            if name in known and self.fails(outputs=[name]):
                return
        for name in list(self.outputs):
            self.fails(outputs=[n for n in self.outputs if n != name])

    def cut_values(self):
        """Values become inputs, the last ones first."""
        for node in reversed(self.g.nodes):
            names = [n for n in node.output if n not in self.cut and n not in self.outputs]
            nodes, _ = self.g.needed(self.outputs, self.cut)
            if node in nodes and names:
                try:
                    self.fails(cut=(*self.cut, *names))
                except Refused:
                    pass


def text_of(model):
    """A model in a few lines."""
    import onnx
    from onnx import helper, numpy_helper, printer

    proto = onnx.ModelProto.FromString(model) if isinstance(model, bytes) else model
    lines = [f"opset {proto.opset_import[0].version}"]
    for port in proto.graph.input:
        kind = port.type.tensor_type
        dims = [d.dim_value if d.HasField("dim_value") else d.dim_param for d in kind.shape.dim]
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
        lines.append(f"{port.name}: {dtype}[{', '.join(str(d) or '?' for d in dims)}]")
    for tensor in proto.graph.initializer:
        array = numpy_helper.to_array(tensor)
        shown = array.tolist() if array.size <= 12 else "..."
        lines.append(f"{tensor.name} = {array.dtype}{list(array.shape)} {shown}")
    lines += [printer.to_text(node).strip() for node in proto.graph.node]
    lines.append("-> " + ", ".join(x.name for x in proto.graph.output))
    return "\n".join(lines)
