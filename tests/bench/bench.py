# SPDX-License-Identifier: Apache-2.0
"""Speed of the zoo's models and of a matmul, beside ONNX Runtime's in the same run.

  bench.py [--models resnet18,minilm] [--threads 1,2] [--zoo DIR] [--out FILE]

Takes `mintor` beside this Python; exports models that DIR lacks. Gives a Markdown table, and JSON
(FILE, build/bench.json) with everything that `mintor bench --json --profile` says. Keeps true:
both run on the same inputs, warm, and the median of at least ten runs counts; nothing is left out
because it is slow.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

import numpy
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MINTOR = pathlib.Path(sys.executable).parent / "mintor"
MODELS = "resnet18,mobilenet_v2,minilm,bert_base"
MATMUL = """graph matmul_1024 {
  a = input f32[1024, 1024]
  b = input f32[1024, 1024]
  c = contract f32[1024, 1024] (a, b)  m = 1024, n = 1024, k = 1024 | x[m, k] y[k, n]
  results c
}
"""


def exported(name, folder):
    path = folder / f"{name}.onnx"
    if not path.exists():
        subprocess.run([sys.executable, ROOT / "models" / "zoo" / "export.py", "--out", folder,
                        "--models", name], check=True)
    return path


def mintor_bench(path, threads):
    result = subprocess.run([MINTOR, "bench", path, "--json", "--profile", "--threads", threads],
                            stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(result.stdout)["results"]


def onnxruntime_ms(path, inputs, threads, seconds=1.0):
    """Median of warm runs on that many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    model = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    for _ in range(3):
        model.run(None, inputs)
    times, begin = [], time.perf_counter()
    while len(times) < 10 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        model.run(None, inputs)
        times.append(time.perf_counter() - start)
    return float(numpy.median(times)) * 1e3


def row(name, result):
    theirs = result.get("onnxruntime_ms")
    return (f"| {name} | {result['threads']} | {result['level']} | {result['median_ms']:.3f} | "
            f"{result.get('gflops', 0):.1f} | {result.get('share_of_peak', 0) * 100:.0f} % | "
            + (f"{theirs:.3f} | {theirs / result['median_ms']:.2f} |" if theirs else "- | - |"))


def main():
    parser = argparse.ArgumentParser(description="Speed beside ONNX Runtime's.")
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--zoo", type=pathlib.Path, default=ROOT / "build" / "zoo")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "bench.json")
    arguments = parser.parse_args()
    arguments.zoo.mkdir(parents=True, exist_ok=True)
    matmul = arguments.zoo / "matmul_1024.graph"
    matmul.write_text(MATMUL)
    collected = {"matmul 1024^3": mintor_bench(matmul, arguments.threads)}
    print("| model | threads | level | ms | GFLOP/s | of peak | ONNX Runtime ms | theirs / ours |")
    print("|---|---|---|---|---|---|---|---|")
    for result in collected["matmul 1024^3"]:
        print(row("matmul 1024^3", result), flush=True)
    for name in filter(None, arguments.models.split(",")):
        path = exported(name, arguments.zoo)
        inputs = dict(numpy.load(path.with_suffix(".in.npz")))
        collected[name] = mintor_bench(path, arguments.threads)
        for result in collected[name]:
            result["onnxruntime_ms"] = onnxruntime_ms(path, inputs, result["threads"])
            print(row(name, result), flush=True)
    arguments.out.write_text(json.dumps(collected, indent=2) + "\n")


if __name__ == "__main__":
    main()
