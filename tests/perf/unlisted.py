# SPDX-License-Identifier: Apache-2.0
"""Export the models of unlisted_models.py and time Mintor on them beside the other engines.

  unlisted.py --work DIR [--export-only] [--models a,b] [options of peers.py]

Takes: DIR, where NAME.onnx, NAME.npz (input, and outputs of a float64 run) and zoo.json (GFLOP)
lie or are written. Gives: the table of peers.py. Keeps true: a model that is there is not exported
again, so that a run after the first needs no time beside its turns; the interpreter needs PyTorch
with onnx for the export alone.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import warnings

HERE = pathlib.Path(__file__).resolve().parent
ENGINES = "mintor,torch,onnxruntime,openvino"


def export(name, folder):
    """Writes one model; gives its line of zoo.json."""
    import numpy as np
    import torch
    import unlisted_models
    from torch.utils.flop_counter import FlopCounterMode

    net, inputs = unlisted_models.make(name)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The tracing exporter: it folds batch norms.
        torch.onnx.export(net, inputs, folder / f"{name}.onnx", opset_version=17,
                          input_names=["x"], output_names=["y"], dynamo=False)
        with FlopCounterMode(display=False) as counter:
            net(*inputs)
        want = net.double()(inputs[0].double()).float().numpy()
    assert np.isfinite(want).all() and want.std() > 0, name
    np.savez(folder / f"{name}.npz", in_x=inputs[0].numpy(), out_y=want)
    return {"gflop": counter.get_total_flops() / 1e9,
            "params": sum(p.numel() for p in net.parameters())}


def export_missing(names, folder):
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "zoo.json"
    known = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
    for name in names:
        if name in known and (folder / f"{name}.npz").exists():
            continue
        known[name] = export(name, folder)
        index.write_text(json.dumps(known, indent=1), encoding="utf-8")
        print(f"{name}: {known[name]['gflop']:.3f} GFLOP, {known[name]['params'] / 1e6:.2f} M",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--models")
    parser.add_argument("--engines", default=ENGINES)
    parser.add_argument("--export-only", action="store_true")
    arguments, more = parser.parse_known_args()
    if arguments.models:
        names = arguments.models.split(",")
    else:
        import unlisted_models
        names = list(unlisted_models.MODELS)
    export_missing(names, arguments.work)
    if arguments.export_only:
        return
    sys.exit(subprocess.run(
        [sys.executable, HERE / "peers.py", "--folder", arguments.work, "--modules",
         HERE / "unlisted_models.py", "--engines", arguments.engines, "--models", ",".join(names),
         *more], check=False).returncode)


if __name__ == "__main__":
    main()
