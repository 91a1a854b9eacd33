// SPDX-License-Identifier: Apache-2.0
// The table of kernels, and all that is known of the one that is chosen: what it computes, where it
// is launched, its schedule, why it is what it is, its source.
const columns = [
  {title: "kernel", of: (row) => row.name},
  {title: "time", of: (row) => row.ms ?? 0, only: isMeasured,
   text: (row) => row.ms === null ? "" : timeText(row.ms)},
  {title: "flop", of: (row) => row.flops, text: (row) => rounded(row.flops)},
  {title: "bytes", of: (row) => row.bytes, text: (row) => bytesText(row.bytes)},
  {title: "flop/B", of: (row) => row.flops / Math.max(1, row.bytes),
   text: (row) => (row.flops / Math.max(1, row.bytes)).toFixed(1)},
  {title: "launches", of: (row) => row.launches, text: (row) => String(row.launches)},
];
const order = {column: null, down: true, wanted: ""};

function sorted(rows) {
  const key = order.column === null ? weightOf : order.column.of;
  const sign = order.down ? -1 : 1;
  return rows.sort((a, b) => {
    const x = key(a), y = key(b);
    return x < y ? -sign : x > y ? sign : a.number - b.number;
  });
}

function kernelRow(row, total, most) {
  const cells = columns.filter((column) => !column.only || column.only()).map((column) =>
    column.text ? h("td", {class: "number"}, column.text(row))
                : h("td", {class: "name"}, row.name));
  return h("tr", {class: "kernel", "data-kernel": row.number,
                  onclick: () => choose(row.number)},
           ...cells, shareCell("td", total > 0 ? weightOf(row) / total : 0, most / total));
}

function wordsOf(number) {
  const kernel = report.kernels[number];
  return [kernel.name, kernel.computes, ...kernel.because,
          ...kernel.levels.flatMap((level) => level.because)].join("\n");
}

function kernelsPart() {
  const body = h("tbody");
  const fill = () => {
    const rows = kernelRows();
    const total = rows.reduce((sum, row) => sum + weightOf(row), 0);
    const most = Math.max(...rows.map(weightOf));
    const wanted = rows.filter((row) => wordsOf(row.number).includes(order.wanted));
    body.replaceChildren(...sorted(wanted).map((row) => kernelRow(row, total, most)));
    mark();
  };
  const heads = columns.filter((column) => !column.only || column.only()).map((column) =>
    h("th", {class: column.text ? "number" : ""}, h("button", {onclick: () => {
      order.down = order.column === column ? !order.down : column.text !== undefined;
      order.column = column;
      fill();
    }}, column.title)));
  const search = h("input", {placeholder: "kernels whose name, meaning or reasons have ...",
    "aria-label": "filter of kernels",
    oninput: (event) => { order.wanted = event.target.value; fill(); }});
  fill();
  return h("section", {id: "kernels"}, h("h2", null, "Kernels"), h("p", null, search),
    h("div", {class: "scroll"}, h("table", null,
      h("thead", null, h("tr", null, ...heads,
        h("th", {class: "number"}, isMeasured() ? "share of time" : "share of flop"))), body)));
}

function list(items) { return h("ul", null, ...items.map((item) => h("li", null, item))); }

function launchesOf(number) {
  const found = [];
  for (const entry of entries) {
    visitLaunches(entry.steps, (launch, times) => {
      if (launch.kernel !== number) return;
      const params = report.kernels[number].params;
      const line = launch.args.map((id, i) => {
        const pair = launch.in_place.find(([output]) => output === i);
        return (params[i].written ? "→ " : "") + bufferText(id) +
               (pair ? " (in place of " + params[pair[1]].name + ")" : "");
      }).join(", ");
      const often = times === null ? " as often as the run decides"
                  : times > 1 ? " × " + times : "";
      found.push(h("li", null, h("b", null, (launch.scopes.join(", ") || entry.name) + often),
                   h("div", {class: "name quiet"}, line)));
    });
  }
  return h("ul", null, ...found);
}

function measuredLine() {
  const row = kernelRows().find((one) => one.number === view.kernel);
  if (!row?.ms) return null;
  const flops = row.flops / row.ms * 1e3, bytes = row.bytes / row.ms * 1e3;
  const near = flops / measured.peak_gflops > bytes / measured.peak_gbs ? "arithmetic" : "memory";
  return h("p", null, timeText(row.ms) + " a run, " + percent(row.ms / measured.median_ms) +
    " of it, " + rounded(flops, "FLOP/s") + ", " + rounded(bytes, "B/s") +
    (measured.peak_gbs && measured.peak_gflops ? ", nearer to the limit of " + near : ""));
}

function levelPart(kernel) {
  const level = kernel.levels[view.level];
  const levels = h("select", {"aria-label": "level",
    onchange: (event) => { view.level = event.target.selectedIndex; showKernel(); }},
    ...report.levels.map((name, i) => h("option", {selected: i === view.level ? "" : null}, name)));
  return [h("h3", null, "At level ", levels),
    level.because.length > 0 ? list(level.because) : null,
    level.schedule.length > 0 ? h("pre", null, level.schedule.join("\n"))
                              : h("p", {class: "quiet"}, "the loops as lowered, no step"),
    h("h3", null, "Source"), h("pre", {class: "source"}, level.source)];
}

const detail = h("aside", {id: "kernel", "aria-live": "polite"});

function showKernel() {
  const kernel = report.kernels[view.kernel];
  if (kernel === undefined) {
    detail.replaceChildren(h("p", {class: "quiet"}, "Choose a kernel: what it computes, where " +
      "it is launched, its schedule, why it is what it is, and its source are shown here."));
    return;
  }
  detail.replaceChildren(...[h("h2", {class: "name"}, kernel.name), measuredLine(),
    h("p", {class: "name"}, kernel.computes),
    h("h3", null, "Launched"), launchesOf(view.kernel),
    h("h3", null, "Fused and refused"),
    kernel.because.length > 0 ? list(kernel.because) : h("p", {class: "quiet"}, "nothing to say"),
    ...levelPart(kernel)].filter((part) => part !== null));
  detail.scrollTop = 0;
}

function mark() {
  for (const one of document.querySelectorAll("[data-kernel]"))
    one.classList.toggle("chosen", Number(one.dataset.kernel) === view.kernel);
}

function choose(number) {
  view.kernel = number;
  history.replaceState(null, "", "#kernel=" + report.kernels[number].name);
  showKernel();
  mark();
  if (getComputedStyle(detail).position === "static") detail.scrollIntoView();  // below the rest
}
