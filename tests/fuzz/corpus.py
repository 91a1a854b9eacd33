#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Right inputs for the programs that damage them.

  corpus.py FOLDER

Takes: the cases of the installed `onnx` package, some of tests/onnx/cases_reported.py, the golden
files, `mintor`. Gives: models below 4 kB in FOLDER/import, and in FOLDER/text texts of graphs,
kernels, programs, steps, index expressions, patterns and tuning records, by names that say where
each is from. Keeps true: the same files for the same versions of both.
"""

import os
import pathlib
import shutil
import subprocess
import sys

LARGEST = 4096
EVERY = 12  # of the models: as texts
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
SHORT = {  # texts that no golden file is
    "record": '{"version":1,"level":"v3","cpu":"a CPU","threads":1,"kernel":"0123456789abcdef",'
    '"candidate":"tile 6x16","seconds":1.5e-05,"default_seconds":2e-05}',
    "index": "16*i*n - (j + 3) // 4 + max(n % 8, min(i, 7))",
    "pattern": "(?i)^www.[a-z]+[.]com|ftp{2,5}?",
    "pattern_classes": r"[^\d\x41-\x{5a}é]+(?:\bword\b)?$",
}
KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")


def mintor_program():
    beside = pathlib.Path(sys.executable).parent / "mintor"
    return os.environ.get("MINTOR") or str(beside if beside.exists() else shutil.which("mintor"))


def bytes_of(case):
    if case.model is not None:
        return case.model.SerializeToString(deterministic=True)
    return pathlib.Path(case.model_dir, "model.onnx").read_bytes()


def write_models(folder):
    from onnx.backend.test import loader

    sys.path.insert(0, str(GOLDEN.parent / "onnx"))
    import cases_reported  # for what the package's cases have none of: functions, sparse weights

    for case in (*cases_reported.functions(), *cases_reported.sparse()):
        (folder / f"{case.name}.onnx").write_bytes(case.model.SerializeToString(deterministic=True))
    for kind in KINDS:
        for case in loader.load_model_tests(kind=kind):
            data = bytes_of(case)
            if len(data) <= LARGEST:
                (folder / f"{case.name}.onnx").write_bytes(data)


def write_texts(folder, models):
    for stage in ("graph", "kernel", "program"):
        for model in models:
            made = subprocess.run([mintor_program(), "compile", model, f"--emit={stage}"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            if made.returncode == 0 and len(made.stdout) <= LARGEST:
                (folder / f"{model.stem}.{stage}").write_text(made.stdout)
    for file in sorted(GOLDEN.glob("*/*.txt")):
        text, arguments = file.read_text().split("\n---\n", 2)[:2]
        (folder / f"{file.parent.name}_{file.stem}").write_text(text)
        if file.parent.name == "steps":
            for number, step in enumerate(arguments.splitlines()):
                (folder / f"step_{file.stem}_{number}").write_text(step)
    for name, text in SHORT.items():
        (folder / name).write_text(text)


def write(folder):
    models, texts = folder / "import", folder / "text"
    for each in (models, texts):
        each.mkdir(parents=True, exist_ok=True)
    write_models(models)
    write_texts(texts, sorted(models.glob("*.onnx"))[::EVERY])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: corpus.py FOLDER")
    write(pathlib.Path(sys.argv[1]))
