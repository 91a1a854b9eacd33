# SPDX-License-Identifier: Apache-2.0
"""--llvm-pass-plugin: the plug-in of compiler/jit/plugins, and files that are none.

Keeps true: passes see kernels and what is known of their buffers, the results keep their bits, and
programs of other passes are others in the cache.
"""
import pathlib
import re
import shutil

import numpy
import pytest
from cli_helper import MINTOR, mintor, written

LIBRARIES = pathlib.Path(shutil.which(MINTOR) or MINTOR).resolve().parent.parent / "lib"
PLUGIN = LIBRARIES / "mintor_pass_buffer_facts.so"
pytestmark = pytest.mark.skipif(not PLUGIN.exists(), reason="built without LLVM")
# Two kernels: a sum of products whose result only the second one reads, in place.
GRAPH = """graph dense {
  x = input f32[8, 40]
  w = parameter f32[40, 24] random 1
  y = contract f32[8, 24] (x, w) m = 8, n = 24, k = 40 | x[m, k] y[k, n]
  s = reduce f32[8] (y) add dims = [1] identity -0
  b = broadcast f32[8, 24] (s) dims = [0]
  r = sub f32[8, 24] (y, b)
  results r
}
"""


@pytest.fixture
def graph(tmp_path):
    return written(tmp_path, "dense.graph", GRAPH)


def kernels(graph, *arguments):
    """The first lines of the kernels' LLVM IR."""
    ended = mintor("compile", graph, "--emit=llvm-ir", "--target", "v3", *arguments)
    assert ended.returncode == 0, ended.stderr
    return re.findall(r"^define .*\(ptr .*$", ended.stdout, re.M)


def test_passes_see_kernels_and_what_is_known_of_buffers(graph):
    plain, changed = kernels(graph), kernels(graph, "--llvm-pass-plugin", PLUGIN)
    assert plain and len(plain) == len(changed)
    assert not any("align 64" in line or "noalias" in line for line in plain)
    reads_input = [line for line in changed if re.search(r"align 4 %", line)]
    assert reads_input, changed     # what the caller owns is aligned to its elements
    assert all("align 64" in line for line in changed)
    assert any("noalias" in line for line in changed)


def outputs(graph, folder, cache, *arguments):
    ended = mintor("run", graph, "--seed", "1", "--save", folder, "--cache-dir", cache, *arguments)
    assert ended.returncode == 0, ended.stderr
    return numpy.load(folder / "r.npy"), len(list(cache.glob("*.so")))


def test_a_program_of_other_passes_is_another_one(graph, tmp_path):
    cache, changed = tmp_path / "cache", tmp_path / "changed.so"
    changed.write_bytes(PLUGIN.read_bytes() + b"other")     # behind the end of what is loaded
    wanted, _ = outputs(graph, tmp_path / "plain", cache)
    for plugin, programs in ((PLUGIN, 2), (PLUGIN, 2), (changed, 3)):
        got, kept = outputs(graph, tmp_path / "out", cache, "--llvm-pass-plugin", plugin)
        assert got.tobytes() == wanted.tobytes()
        assert kept == programs
    copy = shutil.copy(PLUGIN, tmp_path / "copy.so")
    assert outputs(graph, tmp_path / "out", cache, "--llvm-pass-plugin", copy)[1] == 3


def test_the_same_from_python(graph, tmp_path):
    import mintor as mt

    x = numpy.random.default_rng(1).standard_normal((8, 40), numpy.float32)
    models = [mt.compile(graph, cache_dir=str(tmp_path / "cache"), llvm_pass_plugin=plugins)
              for plugins in ([], [str(PLUGIN)], str(PLUGIN))]
    results = {model(x).tobytes() for model in models}
    assert len(results) == 1
    with pytest.raises(mt.CompileError, match="there is no plug-in 'none.so'"):
        mt.compile(graph, llvm_pass_plugin="none.so")


def test_what_is_no_plugin_is_named(graph, tmp_path):
    text = written(tmp_path, "text.so", "passes")
    library = next(LIBRARIES.glob("libmintor_jit.so"))
    cases = (
        (["run", graph, "--seed", "0"], tmp_path / "none.so", "that can be read", 1),
        (["run", graph, "--seed", "0"], tmp_path, "that can be read", 1),
        (["run", graph, "--seed", "0"], text, "is no LLVM pass plug-in: is no 64-bit ELF file", 1),
        (["run", graph, "--seed", "0"], library, "is no LLVM pass plug-in: Plugin entry point", 1),
        (["compile", graph, "--emit=llvm-ir"], library, "is no LLVM pass plug-in", 1),
        (["run", graph, "--seed", "0", "--jit", "system"], PLUGIN, "leave out --jit system", 1),
        (["compile", graph, "--emit=asm", "--jit", "system"], PLUGIN, "the in-process compiler", 1),
        (["compile", graph, "-o", tmp_path / "out"], PLUGIN, "for what is compiled here", 2),
        (["compile", graph, "--emit=source"], PLUGIN, "for what is compiled here", 2))
    for arguments, plugin, message, status in cases:
        ended = mintor(*arguments, "--llvm-pass-plugin", plugin)
        assert ended.returncode == status, (arguments, ended.stderr)
        assert message in ended.stderr, (message, ended.stderr)
        assert "internal error" not in ended.stderr
