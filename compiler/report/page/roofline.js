// SPDX-License-Identifier: Apache-2.0
// A point a kernel, both axes logarithmic: operations per byte, and operations per second under the
// machine's two limits; where nothing was measured, operations of one run.
const plot = {width: 860, height: 380, left: 66, right: 20, top: 16, bottom: 38};

function logarithmic(low, high, from, to) {
  const a = Math.floor(Math.log10(low)), b = Math.max(a + 1, Math.ceil(Math.log10(high)));
  const at = (value) => from + (Math.log10(value) - a) / (b - a) * (to - from);
  at.decades = Array.from({length: b - a + 1}, (_, i) => 10 ** (a + i));
  return at;
}

function axes(x, y, unitX, unitY) {
  const marks = [], base = plot.height - plot.bottom, end = plot.width - plot.right;
  for (const value of x.decades) {
    marks.push(drawn("line", {class: "grid", x1: x(value), x2: x(value), y1: plot.top, y2: base}),
      drawn("text", {x: x(value), y: base + 15, "text-anchor": "middle"},
            value < 1 ? String(value) : rounded(value)));
  }
  for (const value of y.decades) {
    marks.push(drawn("line", {class: "grid", x1: plot.left, x2: end, y1: y(value), y2: y(value)}),
      drawn("text", {x: plot.left - 6, y: y(value) + 4, "text-anchor": "end"}, rounded(value)));
  }
  marks.push(drawn("text", {x: (plot.left + end) / 2, y: base + 32, "text-anchor": "middle"},
                   unitX),
    drawn("text", {x: plot.left, y: 12, "text-anchor": "start"}, unitY));
  return marks;
}

// min(peak, x * bandwidth), from the left edge to the right.
function roof(x, y) {
  const peak = measured.peak_gflops * 1e9, read = measured.peak_gbs * 1e9;
  const first = x.decades[0], last = x.decades.at(-1), low = y.decades[0];
  const start = Math.max(first, low / read), knee = Math.min(Math.max(start, peak / read), last);
  return [drawn("polyline", {class: "roof", points: [[start, Math.min(peak, start * read)],
    [knee, Math.min(peak, knee * read)], [last, Math.min(peak, last * read)]]
    .map(([a, b]) => x(a) + "," + y(b)).join(" ")}),
    drawn("text", {x: x(last) - 4, y: y(peak) - 5, "text-anchor": "end"},
          rounded(peak, "FLOP/s") + " at most, memory " + rounded(read, "B/s"))];
}

function rooflinePart() {
  const timed = isMeasured(), limits = timed && measured.peak_gbs && measured.peak_gflops;
  const rows = kernelRows().filter((row) => row.flops > 0 && row.bytes > 0 &&
                                            (!timed || row.ms > 0));
  const note = timed
    ? "Measured on level " + measured.level + " with " + measured.threads + " threads; the larger, "
      + "the longer it takes. Bytes are those of the arrays, each once, whatever holds them."
    : "Nothing was measured here: `mintor bench DIR --report FILE` writes this page with times.";
  const section = h("section", {id: "roofline"},
                    h("h2", null, timed ? "Roofline" : "Work and bytes"),
                    h("p", {class: "quiet"}, note));
  if (rows.length === 0) return section;
  const heightOf = (row) => timed ? row.flops / row.ms * 1e3 : row.flops;
  const ratios = rows.map((row) => row.flops / row.bytes), heights = rows.map(heightOf);
  if (limits) heights.push(measured.peak_gflops * 1e9);
  const x = logarithmic(Math.min(...ratios), Math.max(...ratios), plot.left,
                        plot.width - plot.right);
  const y = logarithmic(Math.min(...heights), Math.max(...heights), plot.height - plot.bottom,
                        plot.top);
  const most = Math.max(...rows.map(weightOf));
  const points = rows.sort((a, b) => weightOf(b) - weightOf(a)).map((row) => drawn("circle", {
    class: "point" + (row.contract ? " contract" : ""), "data-kernel": row.number,
    cx: x(row.flops / row.bytes), cy: y(heightOf(row)),
    r: 3 + 9 * Math.sqrt(weightOf(row) / most), onclick: () => choose(row.number)},
    drawn("title", null, row.name + "\n" + rounded(row.flops, "flop") + ", " +
          bytesText(row.bytes) + (timed ? ", " + timeText(row.ms) : ""))));
  section.append(drawn("svg", {viewBox: "0 0 " + plot.width + " " + plot.height, role: "img",
    "aria-label": "operations over operations per byte"},
    ...axes(x, y, "flop per byte", timed ? "FLOP/s" : "flop in one run"),
    ...(limits ? roof(x, y) : []), ...points));
  section.append(h("p", {class: "quiet"}, "Blue: kernels that multiply and add; orange: others."));
  return section;
}
