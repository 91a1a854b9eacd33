# SPDX-License-Identifier: Apache-2.0
"""Makes a wheel and tries it: python tests/package/wheel.py FOLDER.

Takes the checkout; gives FOLDER/mintor-*.whl, whose tag says which C library it needs. Keeps true:
the wheel is installed into a fresh virtual environment; all that it links is in it, or is the C or
C++ library; it compiles and runs a model there with the system's compiler, and says what to install
where there is none.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAPH = """graph dense {
  x = input f32[2, 40]
  w = parameter f32[40, 72] random 1
  y = contract f32[2, 72] (x, w)  m = 2, n = 72, k = 40 | x[m, k] y[k, n]
  results y
}
"""
# A model through the module: saved as a package by the one, run by the other.
SCRIPT = """
import mintor as mt, numpy as np
a = mt.array(np.arange(6, dtype=np.float32).reshape(2, 3))
assert float((a * a).sum()) == 55
"""


def run(*command, fails=False, **keywords):
    ended = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, **keywords)
    if (ended.returncode != 0) != fails:
        sys.exit(f"{' '.join(map(str, command))} ended with {ended.returncode}\n{ended.stdout}")
    return ended.stdout


def check_links(package):
    """Nothing that the package links lies outside of it, but for the C and the C++ library."""
    shared = r"ld-linux|linux-vdso|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+)\.so"
    for path in package.rglob("*"):
        # What lies in lib/ is found as those say who load it.
        if path.parent.name == "lib" or not path.is_file() or path.read_bytes()[:4] != b"\x7fELF":
            continue
        for line in run("ldd", path).splitlines():
            name, _, where = line.strip().partition(" => ")
            if not re.match(shared, pathlib.Path(name).name) and str(package) not in where:
                sys.exit(f"{path.name} takes {name} from outside of the wheel: {where}")


def main():
    target = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        # By the names that CMake finds by itself, ccache knows what `make build` compiled.
        run(sys.executable, "-m", "pip", "wheel", ROOT, "--no-build-isolation", "--no-deps", "-w",
            place, env={"CC": "cc", "CXX": "c++", **os.environ})
        wheel = next(place.glob("mintor-*.whl"))
        fresh = place / "fresh"
        venv.create(fresh, with_pip=True)
        run(fresh / "bin/pip", "install", "--quiet", wheel)
        package = next(fresh.glob("lib/python*/site-packages/mintor"))
        check_links(package)
        (place / "dense.graph").write_text(GRAPH)
        clean = {"PATH": f"{fresh}/bin:/usr/bin:/bin", "HOME": str(place),
                 "MINTOR_CACHE_DIR": str(place / "cache")}
        mintor = fresh / "bin/mintor"
        run(mintor, "doctor", env=clean)
        run(mintor, "run", "dense.graph", "--seed", "0", cwd=place, env=clean)
        run(fresh / "bin/python", "-c", SCRIPT, cwd=place, env=clean)
        alone = {**clean, "PATH": f"{fresh}/bin", "MINTOR_CACHE_DIR": str(place / "empty")}
        said = run(mintor, "run", "dense.graph", "--seed", "0", cwd=place, env=alone, fails=True)
        if "install g++ or clang" not in said:
            sys.exit(f"without a compiler it says: {said}")
        run(mintor, "run", "dense.graph", "--seed", "0", "--evaluate", cwd=place, env=alone)
        # Systems of this C library, and newer ones, have a C++ library as new as this one.
        glibc = os.confstr("CS_GNU_LIBC_VERSION").split()[1]
        tag = f"manylinux_{glibc.replace('.', '_')}_x86_64"
        named = wheel.name.replace("linux_x86_64", tag)
        run(sys.executable, "-m", "wheel", "tags", "--remove", "--platform-tag", tag, wheel)
        target.mkdir(exist_ok=True)
        shutil.copy(place / named, target)
    print(f"{target / named}: {(target / named).stat().st_size / 1e6:.1f} MB, "
          f"needs glibc {glibc} and the libstdc++ beside it")


if __name__ == "__main__":
    main()
