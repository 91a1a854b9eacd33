# SPDX-License-Identifier: Apache-2.0
"""report.html as a browser shows it: headless Chromium, in light and dark, small and large.

Takes packages made here; reads the page's elements after its script has run, and pictures of it.
Keeps true: nothing that a model calls its values becomes markup or script; the page asks for
nothing; the same model gives the same bytes.
"""
import html as html_module
import json
import re
import shutil
import struct
import subprocess
import zlib

import pytest
from cli_helper import mintor, written

CHROMIUM = shutil.which("chromium")
HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)>"
# Two contractions, a reduction, and names that would be markup.
MODEL = f"""graph "{HOSTILE}" (rows: 1..64 ~ 8) {{
  x = input f32[rows, 40]
  w = parameter f32[40, 70] random 1
  v = parameter f32[70, 8] random 2
  y = contract f32[rows, 70] (x, w) m = rows, n = 70, k = 40 | x[m, k] y[k, n] @ "net/first"
  r = relu f32[rows, 70] (y) @ "net/{HOSTILE}"
  z = contract f32[rows, 8] (r, v) m = rows, n = 8, k = 70 | x[m, k] y[k, n] @ "net/second"
  s = reduce f32[8] (z) add dims = [0] identity -0 @ "sum"
  results z, s
}}
"""


def browser(page, *flags):
    assert CHROMIUM, "the tests need Chromium: apt install chromium (.ci/setup test)"
    return subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
                           "--hide-scrollbars", f"--user-data-dir={page.parent / 'profile'}",
                           *flags, page.as_uri()], capture_output=True, text=True, timeout=120)


def elements(page):
    """The page's HTML once its script has run, and what it wrote into its console."""
    ended = browser(page, "--dump-dom", "--enable-logging=stderr", "--v=0")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, [line for line in ended.stderr.splitlines() if ":CONSOLE" in line]


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def first_pixel(png):
    """Red, green and blue; whatever the row is filtered by, nothing is left of it or above."""
    data, at, compressed = png.read_bytes(), 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        compressed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    return tuple(zlib.decompress(compressed)[1:4])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The package `out` of MODEL, and timed.html with what a benchmark says."""
    place = tmp_path_factory.mktemp("report")
    written(place, "model.graph", MODEL)
    for name in ("out", "again"):
        made = mintor("compile", "model.graph", "-o", name, "--build", cwd=place)
        assert made.returncode == 0, made.stderr
    timed = mintor("bench", "out", "--report", "timed.html", "--seconds", "0", cwd=place)
    assert timed.returncode == 0, timed.stderr
    return place


def test_the_page_is_in_the_package_and_the_same_each_time(folder):
    assert "report.html" in json.loads((folder / "out/manifest.json").read_text())["files"]
    page, again = ((folder / name / "report.html").read_text() for name in ("out", "again"))
    assert page.replace('"name":"out"', '"name":"again"') == again
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)
    assert len(page) < 200_000


def test_all_is_shown_and_names_stay_text(folder):
    html, said = elements(folder / "out/report.html")
    assert said == []
    text = html_module.unescape(text_of(html))
    for part in ("Graph by scope", "Kernels", "Work and bytes", "Memory over time", "Weights",
                 "Fused and refused", "Source", "net", "static void", "2 launches"):
        assert part in text, part
    assert "<title>out: Mintor report</title>" in html
    assert "<img" not in html and html.count("<script") == 0
    assert HOSTILE in html_module.unescape(html)


def test_a_script_that_is_not_ours_does_not_run(folder, tmp_path):
    """Were a name to get out of its text, the page's policy would stop it."""
    page = tmp_path / "changed.html"
    own = (folder / "out/report.html").read_text()
    page.write_text(own.replace("<noscript>", "<script>document.title='taken'</script><noscript>"))
    html, said = elements(page)
    assert "<title>out: Mintor report</title>" in html
    assert any("Content Security Policy" in line for line in said), said


def test_times_are_shown_where_they_were_measured(folder):
    html, said = elements(folder / "timed.html")
    text = text_of(html)
    assert said == []
    for part in ("Roofline", "median run", "share of time", "Measured on level", "a run,",
                 "FLOP/s at most"):
        assert part in text, part


@pytest.mark.parametrize("scheme, background", [(1, (255, 255, 255)), (0, (0x12, 0x16, 0x1c))])
@pytest.mark.parametrize("size", ["1400,1200", "480,900"])
def test_light_and_dark(folder, tmp_path, scheme, background, size):
    picture = tmp_path / "page.png"
    ended = browser(folder / "timed.html", f"--blink-settings=preferredColorScheme={scheme}",
                    f"--window-size={size}", f"--screenshot={picture}")
    assert picture.exists(), ended.stderr
    assert first_pixel(picture) == background
    assert picture.stat().st_size > 10_000  # a page that is empty takes less


def test_a_report_is_of_one_thread_count_and_of_a_package_that_has_one(folder):
    ended = mintor("bench", "out", "--report", "x.html", "--threads", "1,2", cwd=folder)
    assert ended.returncode == 2 and "--report is of one thread count" in ended.stderr
    (folder / "again/report.html").write_text("<html></html>")
    ended = mintor("bench", "again", "--report", "x.html", "--seconds", "0", cwd=folder)
    assert ended.returncode == 1 and "the page is no report of Mintor" in ended.stderr
