# SPDX-License-Identifier: Apache-2.0
"""What a training says of itself: a bar while it runs, its losses as a picture.

Takes numbers as they come; gives a line on stderr and an SVG file of a few kilobytes.
"""
import math
import sys
import time

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")


class Bar:
    """A line that is written anew: `with Bar(steps) as bar: ... bar.at(step, "loss 0.3")`.
    Where nobody looks (a file, a pipe) the last one alone is written.
    """

    def __init__(self, total, stream=sys.stderr):
        self.total, self._stream, self._start, self._shown = total, stream, time.monotonic(), 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.write("\n")

    def at(self, step, text=""):
        """After `step` steps."""
        now = time.monotonic()
        if step < self.total and (now - self._shown < 0.1 or not self._stream.isatty()):
            return
        self._shown, done = now, 30 * step // self.total
        self._stream.write(f"\r[{'#' * done}{'.' * (30 - done)}] {step}/{self.total}  "
                           f"{step / (now - self._start):.1f} steps/s  {text}\x1b[K")
        self._stream.flush()


def write_curves(path, curves, points=150, width=640, height=320):
    """{name: values of each step} as lines of means of a few steps, on a logarithmic scale."""
    drawn = {}
    for name, values in curves.items():
        each = max(1, math.ceil(len(values) / points))
        drawn[name] = [sum(part) / len(part) for part in
                       (values[place:place + each] for place in range(0, len(values), each))]
    every = [math.log10(max(value, 1e-6)) for values in drawn.values() for value in values]
    low, high = math.floor(min(every)), math.ceil(max(every))
    high += high == low
    left, top, right, bottom = 50, 20, width - 10, height - 30

    def height_of(logarithm):
        return bottom - (bottom - top) * (logarithm - low) / (high - low)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for power in range(low, high + 1):
        y = height_of(power)
        lines.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#ddd"/>'
                     f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0 ** power:g}'
                     '</text>')
    for place, (name, values) in enumerate(drawn.items()):
        step = (right - left) / max(1, len(values) - 1)
        path_of = " ".join(f"{left + n * step:.1f},{height_of(math.log10(max(value, 1e-6))):.1f}"
                           for n, value in enumerate(values))
        colour = COLOURS[place % len(COLOURS)]
        lines.append(f'<polyline points="{path_of}" fill="none" stroke="{colour}"/>'
                     f'<text x="{right - 8}" y="{top + 16 * (place + 1)}" text-anchor="end" '
                     f'fill="{colour}">{name}</text>')
    steps = max(len(values) for values in curves.values())
    lines.append(f'<text x="{left}" y="{height - 8}">0</text>'
                 f'<text x="{right}" y="{height - 8}" text-anchor="end">{steps} steps</text></svg>')
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
