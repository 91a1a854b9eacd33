// SPDX-License-Identifier: Apache-2.0
// The page: what the model is, then one part below the other, the chosen kernel beside them.
function facts() {
  const sum = sumOf(view.entry.steps);
  const pairs = [["levels", report.levels.join(", ")], ["kernels", String(report.kernels.length)],
    ["launches", String(sum.launches)],
    ["operations", rounded(sum.flops, "flop") + (sum.open ? " or more" : "")],
    ["arrays read, written", bytesText(sum.bytes)], ["weights", bytesText(report.weights_bytes)],
    ["working memory", bytesText(view.entry.arena.bytes)]];
  if (report.packed_bytes > 0) pairs.push(["packed weights", bytesText(report.packed_bytes)]);
  if (isMeasured()) {
    pairs.push(["median run", timeText(measured.median_ms)], ["threads", String(measured.threads)]);
    if (measured.gflops) pairs.push(["rate", rounded(measured.gflops * 1e9, "FLOP/s")]);
  }
  return h("dl", {class: "facts"}, ...pairs.map(([title, text]) =>
    h("div", null, h("dt", null, title), h("dd", null, text))));
}

function portsText() {
  const text = (ids) => ids.map(bufferText).join(", ");
  return text(view.entry.inputs) + " → " + text(view.entry.outputs);
}

function show() {
  document.title = report.name + ": Mintor report";
  const symbols = report.symbols.map((symbol) => symbol.name + " " + symbol.range +
                                     " (counted at " + symbol.value + ")").join(", ");
  const choice = entries.length < 2 ? null : h("select", {"aria-label": "entry",
    onchange: (event) => { view.entry = entries[event.target.selectedIndex]; show(); }},
    ...entries.map((entry) => h("option", {selected: entry === view.entry ? "" : null},
                                entry.name)));
  const parts = [graphPart(), kernelsPart(), rooflinePart(), memoryPart(), weightsPart()];
  document.body.replaceChildren(
    h("header", null, h("h1", null, report.name), h("div", {class: "name quiet"}, portsText()),
      symbols === "" ? null : h("div", {class: "quiet"}, symbols), facts()),
    h("nav", null, choice, ...parts.map((part) =>
      h("a", {href: "#" + part.id}, part.querySelector("h2").textContent)),
      h("span", {class: "quiet"}, "numerics " + report.numerics_hash.slice(0, 12) + ", Mintor " +
        report.compiler_version)),
    h("main", null, h("div", null, ...parts), detail));
  showKernel();
  mark();
}

const wanted = decodeURIComponent(location.hash).replace(/^#kernel=/, "");
const number = report.kernels.findIndex((kernel) => kernel.name === wanted);
const heaviest = kernelRows().sort((a, b) => weightOf(b) - weightOf(a))[0];
view.kernel = number >= 0 ? number : heaviest?.number ?? null;
show();
