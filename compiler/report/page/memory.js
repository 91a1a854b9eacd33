// SPDX-License-Identifier: Apache-2.0
// The entry's working memory: each buffer a rectangle, moments to the right, bytes upwards. Where
// two cover each other, the later one takes the bytes of one that dies there.
function momentNames() {
  const names = new Map();
  visitLaunches(view.entry.steps, (launch) => {
    names.set(launch.at, report.kernels[launch.kernel].name);
  });
  return names;
}

function memoryPart() {
  const arena = view.entry.arena, section = h("section", {id: "memory"},
    h("h2", null, "Memory over time"));
  for (const line of report.plan) section.append(h("p", {class: "quiet"}, line));
  if (arena.lives.length === 0) {
    section.append(h("p", null, "This entry needs no memory of its own."));
    return section;
  }
  const width = 860, height = 340, left = 66, top = 10, base = height - 30;
  const x = (moment) => left + moment / arena.moments * (width - left - 10);
  const y = (bytes) => base - bytes / arena.bytes * (base - top);
  const names = momentNames(), marks = [];
  for (let quarter = 0; quarter <= 4; ++quarter) {
    const bytes = arena.bytes * quarter / 4;
    marks.push(drawn("line", {class: "grid", x1: left, x2: width - 10, y1: y(bytes), y2: y(bytes)}),
      drawn("text", {x: left - 6, y: y(bytes) + 4, "text-anchor": "end"}, bytesText(bytes)));
  }
  const said = h("p", {class: "name"}, "Point at a rectangle.");
  const slots = arena.lives.map((life) => {
    const when = [life.first, life.last].map((moment) => names.get(moment) ?? "step " + moment);
    const text = bufferText(life.buffer) + ", " + bytesText(life.bytes) + " at " + life.offset +
                 ", from " + when[0] + " to " + when[1];
    return drawn("rect", {class: "slot", x: x(life.first), y: y(life.offset + life.bytes),
      width: Math.max(1, x(life.last + 1) - x(life.first)),
      height: Math.max(0.5, y(life.offset) - y(life.offset + life.bytes)),
      onmouseenter: () => { said.textContent = text; }}, drawn("title", null, text));
  });
  marks.push(drawn("text", {x: (left + width) / 2, y: height - 8, "text-anchor": "middle"},
                   "launches in order"));
  section.append(drawn("svg", {viewBox: "0 0 " + width + " " + height, role: "img",
    "aria-label": "buffers of the arena over time"}, ...marks, ...slots), said);
  return section;
}

function weightsPart() {
  const places = ["weights", "packed", "state"];
  const rows = report.buffers.filter((buffer) => places.includes(buffer.place) && !buffer.view)
    .sort((a, b) => b.bytes - a.bytes);
  const section = h("section", {id: "weights"}, h("h2", null, "Weights"));
  if (rows.length === 0) return section;
  section.append(h("div", {class: "scroll"}, h("table", null,
    h("thead", null, h("tr", null, ...["name", "type", "place", "bytes"].map((title) =>
      h("th", {class: title === "bytes" ? "number" : ""}, title)))),
    h("tbody", null, ...rows.map((buffer) => h("tr", null, h("td", {class: "name"}, buffer.name),
      h("td", {class: "name"}, buffer.type), h("td", null, buffer.place),
      h("td", {class: "number"}, bytesText(buffer.bytes))))))));
  return section;
}
