# SPDX-License-Identifier: Apache-2.0
"""The kernels in which each model's time goes, and what bounds them.

Takes a folder of NAME.onnx; gives, by `mintor bench --profile`, the top kernels of each: share of
the model's time, of the measured peak of fused multiply-adds (by the products that are needed:
none on padding, those of the tiles where Winograd computes it) and of the bandwidth at which memory
is read, and the nearer bound; the sum of kernel times over the time of a run. Flags contractions
above 2 % of the time with less than 85 % of the peak and 80 % of the bandwidth, and models whose
kernels do not sum to their time within 5 %. Models of an earlier --json stay.
"""
import argparse
import json
import pathlib
import subprocess
import sys

SHARE, PEAK, BANDWIDTH, SUM = 0.02, 0.85, 0.80, 0.05


def profiled(path, arguments):
    command = [arguments.mintor, "bench", path, "--threads", str(arguments.threads), "--profile",
               "--json", "--seconds", str(arguments.seconds), *arguments.flag]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"{path}: {ended.stderr.strip()}")
    sys.stderr.write(ended.stderr)
    return json.loads(ended.stdout)["results"][0]


def is_slow(kernel):
    """A contraction that counts and is far from both bounds; a machine without peaks knows none."""
    return (kernel.get("contraction", False) and "bound" in kernel and kernel["share"] > SHARE
            and kernel["share_of_peak"] < PEAK and kernel["share_of_bandwidth"] < BANDWIDTH)


def sum_is_off(result):
    return abs(result["kernels_share"] - 1) > SUM


def percent(kernel, key):
    return f"{kernel[key] * 100:.0f}" if key in kernel else ""


def table(name, result, top):
    lines = [f"### {name}", "",
             f"Level {result['level']}, {result['threads']} thread(s): median "
             f"{result['median_ms']:.4g} ms, kernels sum to {result['kernels_share'] * 100:.1f} % "
             f"of a profiled run{' **(off)**' if sum_is_off(result) else ''}; peak "
             f"{result.get('peak_gflops', 0):.4g} GFLOP/s, memory {result.get('peak_gbs', 0):.3g} "
             "GB/s.", "",
             "| kernel | launches | ms | % of time | % of peak | % of bandwidth | bound | |",
             "|---|---|---|---|---|---|---|---|"]
    for kernel in result["kernels"][:top]:
        lines.append(
            f"| {kernel['kernel']} | {kernel['launches']} | {kernel['ms']:.4g} | "
            f"{kernel['share'] * 100:.1f} | {percent(kernel, 'share_of_peak')} | "
            f"{percent(kernel, 'share_of_bandwidth')} | {kernel.get('bound', '')} | "
            f"{'slow' if is_slow(kernel) else ''} |")
    return "\n".join(lines) + "\n"


def summary(report):
    lines = ["| model | median ms | sum of kernels | contractions above 2 % | of these slow | "
             "share of time |", "|---|---|---|---|---|---|"]
    for name, result in report.items():
        counted = [k for k in result["kernels"] if k.get("contraction") and k["share"] > SHARE]
        slow = [k for k in result["kernels"] if is_slow(k)]
        time = sum(k["share"] for k in slow)
        lines.append(f"| {name} | {result['median_ms']:.4g} | {result['kernels_share']:.1%} | "
                     f"{len(counted)} | {len(slow)} | {time:.1%} |".replace("%", " %"))
    return "\n".join(lines) + "\n"


def markdown(report, top):
    tables = [table(name, result, top) for name, result in report.items()]
    return "\n".join([summary(report), *tables])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--models", help="names, separated by commas; without it all")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--top", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement, at least")
    parser.add_argument("--flag", action="append", default=[],
                        help="a further flag of bench: --flag=--target=v3")
    parser.add_argument("--mintor", default=str(pathlib.Path(sys.executable).parent / "mintor"))
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--markdown", type=pathlib.Path)
    arguments = parser.parse_args()
    names = arguments.models.split(",") if arguments.models else \
        sorted(p.stem for p in arguments.folder.glob("*.onnx"))
    report = {}
    if arguments.json and arguments.json.exists():
        report = json.loads(arguments.json.read_text(encoding="utf-8"))
    for name in names:
        report[name] = profiled(arguments.folder / f"{name}.onnx", arguments)
        if arguments.json:  # after each: a run that is cut short keeps what it has
            arguments.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    text = markdown(report, arguments.top)
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
