# SPDX-License-Identifier: Apache-2.0
"""onnx-ml.proto of the pinned onnx wheel.

Takes the output path; gives the file there. The wheel is downloaded with pip (or read where that
very version is installed) and nothing of it is executed. Keeps true: the bytes are the pinned
ones, checked by SHA-256, whichever platform's wheel they came from.
"""
import hashlib
import importlib.metadata
import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import zipfile

VERSION = "1.23.2"
MEMBER = "onnx/onnx-ml.proto"
PROTO_SHA256 = "8f39d0a1ae1abef5ca648922cdb06716d6bd1573c9e972b42854c16e9e352c16"
# The wheels differ by platform and Python; those seen are checked, others only by the member.
WHEEL_SHA256 = {
    "onnx-1.23.2-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl":
        "c03ecf6b835d136108eeaeeafbd0026fc7b3cf98661409fbc6b63d5a29361348",
}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def installed():
    """The file of an installed onnx of the pinned version, or None."""
    try:
        found = importlib.metadata.distribution("onnx")
    except importlib.metadata.PackageNotFoundError:
        return None
    if found.version != VERSION:
        return None
    path = pathlib.Path(found.locate_file(MEMBER))
    return path.read_bytes() if path.is_file() else None


def downloaded():
    """The file out of a freshly downloaded wheel."""
    with tempfile.TemporaryDirectory() as folder:
        python = sys.executable
        if importlib.util.find_spec("pip") is None:  # Debian's own Python has none; a venv does
            subprocess.run([python, "-m", "venv", f"{folder}/venv"], check=True)
            python = f"{folder}/venv/bin/python"
        subprocess.run([python, "-m", "pip", "download", "--quiet", "--no-deps",
                        "--disable-pip-version-check", "--only-binary=:all:", "--dest", folder,
                        f"onnx=={VERSION}"], check=True)
        wheel, = pathlib.Path(folder).glob("*.whl")
        expected = WHEEL_SHA256.get(wheel.name)
        if expected and sha256(wheel.read_bytes()) != expected:
            raise SystemExit(f"error: {wheel.name}: SHA-256 is not the pinned one")
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(MEMBER)


def main():
    if len(sys.argv) != 2:
        raise SystemExit("usage: onnx_proto.py OUTPUT")
    output = pathlib.Path(sys.argv[1])
    data = installed() or downloaded()
    if sha256(data) != PROTO_SHA256:
        raise SystemExit(f"error: {MEMBER} of onnx {VERSION}: SHA-256 is {sha256(data)}, "
                         f"expected {PROTO_SHA256}")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(data)


if __name__ == "__main__":
    main()
