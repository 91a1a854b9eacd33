// SPDX-License-Identifier: Apache-2.0
// What the parts of the page share: the report, what was measured, sums over launches. Takes the
// JSON of the page; gives the entries, each kernel's work in one run, the kernel that is chosen.
const report = JSON.parse(document.getElementById("report").textContent);
const measured = JSON.parse(document.getElementById("measured").textContent);
const prepare = report.prepare.steps.length > 0 ? [report.prepare] : [];
const entries = [...report.entries, ...prepare];
const view = {entry: entries[0], kernel: null,
  level: Math.max(0, report.levels.indexOf(measured?.level ?? report.levels.at(-1)))};

// Calls visit(launch, times); times is null where the run decides how often.
function visitLaunches(steps, visit, times = 1) {
  for (const step of steps) {
    if (step.kernel !== undefined) visit(step, times);
    if (step.yes) visitLaunches([...step.yes, ...step.no], visit, null);
    if (step.steps)
      visitLaunches(step.steps, visit,
                    times === null || step.times === null ? null : times * step.times);
  }
}

function sumOf(steps) {
  const sum = {launches: 0, flops: 0, bytes: 0, open: false};
  visitLaunches(steps, (launch, times) => {
    sum.launches += 1;
    sum.open ||= times === null;
    sum.flops += launch.flops * (times ?? 1);
    sum.bytes += launch.bytes * (times ?? 1);
  });
  return sum;
}

// The kernels that the entry launches, with their sums; measured times are those of the first.
function kernelRows() {
  const times = new Map();
  if (measured !== null && view.entry === report.entries[0])
    for (const kernel of measured.kernels) times.set(kernel.kernel, kernel.ms);
  const rows = new Map();
  visitLaunches(view.entry.steps, (launch, often) => {
    const kernel = report.kernels[launch.kernel];
    if (!rows.has(launch.kernel)) {
      rows.set(launch.kernel, {number: launch.kernel, name: kernel.name, launches: 0, flops: 0,
        bytes: 0, ms: times.get(kernel.name) ?? null, contract: kernel.multiplies});
    }
    const row = rows.get(launch.kernel);
    row.launches += 1;
    row.flops += launch.flops * (often ?? 1);
    row.bytes += launch.bytes * (often ?? 1);
  });
  return [...rows.values()];
}

const isMeasured = () => measured !== null && view.entry === report.entries[0];

// What shares are shares of: time where it was measured, else operations.
function weightOf(row) { return isMeasured() ? row.ms ?? 0 : row.flops; }

// The time of a launch: its part of its kernel's, by its operations.
function weigher() {
  const rows = new Map(kernelRows().map((row) => [row.number, row]));
  return (launch, times) => {
    const row = rows.get(launch.kernel), flops = launch.flops * (times ?? 1);
    if (!isMeasured()) return flops;
    return (row.ms ?? 0) * (row.flops > 0 ? flops / row.flops : 1 / row.launches);
  };
}

function bufferText(id) {
  const buffer = report.buffers[id];
  return buffer.name + " " + buffer.type;
}
