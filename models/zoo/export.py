# SPDX-License-Identifier: Apache-2.0
"""Write models of the zoo as ONNX (opset 17), with one case each.

  export.py --out DIR [--models a,b] [--dynamic] [--keep-batch-norm] [--opset 17]

For each model: DIR/NAME.onnx (with --dynamic NAME_dynamic.onnx, batch and sequence symbolic),
DIR/NAME.in.npz (inputs by name), DIR/NAME.out.npz (outputs of a float64 run, rounded to float32;
the form `mintor compile --case` takes), and DIR/NAME.ref.npz with `f32_<output>` and
`f64_<output>`, PyTorch's own result in both precisions.
Names of --keep-batch-norm end in _bn: the exporter folds batch norms into convolutions unless
told not to. DIR/zoo.json collects GFLOP, parameters, nodes and PyTorch's float32 error (largest
error over largest output).
"""

import argparse
import json
import os
import sys
import warnings

import definitions
import numpy as np
import torch


def largest_error(got, want):
    """Largest error over largest output, the measure that all comparisons here use."""
    return float(np.max(np.abs(got.astype(np.float64) - want)) / np.max(np.abs(want)))


def write_onnx(model, net, args, path, opset, dynamic, keep_batch_norm):
    # The tracing exporter (dynamo=False): the newer one refuses `dynamic_axes`.
    training = torch.onnx.TrainingMode.PRESERVE if keep_batch_norm else torch.onnx.TrainingMode.EVAL
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            args,
            path,
            opset_version=opset,
            input_names=list(model.input_names),
            output_names=list(model.output_names),
            dynamo=False,
            training=training,
            do_constant_folding=not keep_batch_norm,
            dynamic_axes=model.axes if dynamic else None,
        )


def write_case(model, net, args, stem):
    """The three .npz files; gives PyTorch's float32 error."""
    single = definitions.run(net, args)
    double = definitions.run(net, args, torch.float64)
    assert all(np.isfinite(d).all() for d in double), stem
    names = model.output_names
    np.savez(
        stem + ".in.npz", **{n: a.numpy() for n, a in zip(model.input_names, args, strict=True)}
    )
    np.savez(
        stem + ".out.npz", **{n: d.astype(np.float32) for n, d in zip(names, double, strict=True)}
    )
    np.savez(
        stem + ".ref.npz",
        **{"f32_" + n: s for n, s in zip(names, single, strict=True)},
        **{"f64_" + n: d for n, d in zip(names, double, strict=True)},
    )
    return max(largest_error(s, d) for s, d in zip(single, double, strict=True))


def variant(name, dynamic=False, keep_batch_norm=False):
    return name + ("_dynamic" if dynamic else "") + ("_bn" if keep_batch_norm else "")


def export(name, out, opset=17, dynamic=False, keep_batch_norm=False):
    """Write one model; gives its line of zoo.json."""
    os.makedirs(out, exist_ok=True)
    model = definitions.ZOO[name]
    net, args = definitions.make(name)
    stem = os.path.join(out, variant(name, dynamic, keep_batch_norm))
    write_onnx(model, net, args, stem + ".onnx", opset, dynamic, keep_batch_norm)
    error = write_case(model, net, args, stem)
    return {
        "gflop": definitions.gflop(net, args),
        "params": sum(p.numel() for p in net.parameters()),
        "opset": opset,
        "bytes": os.path.getsize(stem + ".onnx"),
        "torch_f32_error": error,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", required=True)
    parser.add_argument("--models", default=",".join(definitions.ZOO))
    parser.add_argument("--opset", type=int, default=17)
    parser.add_argument("--dynamic", action="store_true", help="symbolic batch (and sequence)")
    parser.add_argument(
        "--keep-batch-norm", action="store_true", help="leave BatchNormalization in the file"
    )
    a = parser.parse_args()
    names = a.models.split(",")
    unknown = [n for n in names if n not in definitions.ZOO]
    if unknown:
        sys.exit(
            f"error: export: no model {', '.join(unknown)}\n"
            f"  help: one of {', '.join(definitions.ZOO)}"
        )
    index = os.path.join(a.out, "zoo.json")
    infos = {}
    if os.path.exists(index):
        with open(index, encoding="utf-8") as f:
            infos = json.load(f)
    for name in names:
        key = variant(name, a.dynamic, a.keep_batch_norm)
        infos[key] = i = export(name, a.out, a.opset, a.dynamic, a.keep_batch_norm)
        print(
            f"{key:24} {i['gflop']:8.4f} GFLOP {i['params'] / 1e6:8.2f} M parameters  "
            f"f32 error {i['torch_f32_error']:.2e}",
            flush=True,
        )
    with open(index, "w", encoding="utf-8") as f:
        json.dump(infos, f, indent=1)


if __name__ == "__main__":
    main()
