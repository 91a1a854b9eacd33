# SPDX-License-Identifier: Apache-2.0
"""Fashion-MNIST (Zalando, MIT licence) from the Debian package dataset-fashion-mnist.

  data.py DIR

Takes the package's files (installed with apt when they are not there); gives DIR/*-ubyte, unpacked,
each checked by its SHA-256. Keeps true: arrays are as the files have them, u8; a file of another
form is an error that names it.
"""
import gzip
import hashlib
import os
import pathlib
import subprocess
import sys

import numpy

PACKAGE = "dataset-fashion-mnist"
INSTALLED = pathlib.Path("/usr/share/datasets/fashion-mnist")
SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def install():
    if INSTALLED.is_dir():
        return
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    print(f"installing {PACKAGE}", file=sys.stderr)
    subprocess.run([*sudo, "apt-get", "update", "-qq"], check=True)
    subprocess.run([*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", PACKAGE],
                   check=True)


def unpack(folder):
    """Writes what is not there yet."""
    for name, expected in SHA256.items():
        path = folder / name
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == expected:
            continue
        install()
        data = gzip.decompress((INSTALLED / f"{name}.gz").read_bytes())
        found = hashlib.sha256(data).hexdigest()
        if found != expected:
            raise SystemExit(f"{name}: SHA-256 is {found}, expected {expected}")
        path.write_bytes(data)


def read_idx(path):
    """An array of the idx format: two zeros, 8 for u8, the rank, sizes as big-endian 32 bits."""
    data = pathlib.Path(path).read_bytes()
    rank = data[3] if data[:3] == b"\0\0\x08" else -1
    shape = [int.from_bytes(data[4 + 4 * n:8 + 4 * n], "big") for n in range(rank)]
    if rank < 0 or len(data) != 4 + 4 * rank + int(numpy.prod(shape)):
        raise SystemExit(f"{path}: is no idx file of bytes")
    return numpy.frombuffer(data, "uint8", offset=4 + 4 * rank).reshape(shape).copy()


def read(folder, part):
    """(images u8[n, 28, 28], labels i64[n]) of "train" or "t10k"."""
    return (read_idx(folder / f"{part}-images-idx3-ubyte"),
            read_idx(folder / f"{part}-labels-idx1-ubyte").astype("int64"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    unpack(target)
