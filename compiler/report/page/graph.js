// SPDX-License-Identifier: Apache-2.0
// The entry's steps as a tree of scopes, branches and loops. Takes steps in the order in which they
// run; neighbours of one scope stand below it. Keeps true: every launch is one leaf.
function scopeOf(step) {
  return (step.scopes?.[0] ?? "").split("/").filter((part) => part !== "");
}

function row(kind, attributes, label, share, sum) {
  return h(kind, {...attributes, class: "row " + (attributes.class ?? "")}, label,
           share === null ? h("span") : shareCell("span", share),
           h("span", {class: "number"}, rounded(sum.flops)),
           h("span", {class: "number"}, bytesText(sum.bytes)));
}

function leaf(step, share) {
  const name = report.kernels[step.kernel].name;
  return row("div", {class: "leaf", "data-kernel": step.kernel,
                     onclick: () => choose(step.kernel)},
             h("span", {class: "name", title: step.scopes.join("\n")}, name), share, step);
}

function hostLabel(step) {
  if (step.yes) return "if " + report.buffers[step.if].name;
  if (step.steps)
    return "loop " + step.loop + " in " + step.trip +
           (step.while === undefined ? "" : " while " + report.buffers[step.while].name);
  if (step.bind !== undefined) return "size " + step.bind + " = " + report.buffers[step.value].name;
  return "needs " + step.needs;
}

// Open where all can be seen at a glance; of a large model what is outermost is.
const mostOpen = 60;

function branchOf(label, steps, share, children, outermost) {
  const sum = sumOf(steps);
  const text = h("span", null, h("b", {class: "name"}, label), " ",
                 h("span", {class: "quiet"}, sum.launches + " launches" +
                   (sum.open ? ", as often as the run decides" : "")));
  const open = outermost || sumOf(view.entry.steps).launches <= mostOpen;
  return h("details", {open: open ? "" : null}, row("summary", {}, text, share, sum), ...children);
}

function graphPart() {
  const weigh = weigher();
  let total = 0;
  visitLaunches(view.entry.steps, (launch, times) => { total += weigh(launch, times); });
  const shareOf = (steps, often) => {
    let part = 0;
    visitLaunches(steps, (launch, times) => { part += weigh(launch, times); }, often);
    return total > 0 ? part / total : 0;
  };
  const hostStep = (step, often) => {
    if (!step.yes && !step.steps)
      return row("div", {class: "leaf"}, h("span", {class: "quiet"}, hostLabel(step)), null,
                 {flops: 0, bytes: 0});
    const inner = often === null || !step.steps ? null
                : step.times === null ? null : often * step.times;
    const children = step.steps ? tree(step.steps, 0, inner)
      : [h("div", {class: "quiet leaf"}, "then"), ...tree(step.yes, 0, null),
         h("div", {class: "quiet leaf"}, "else"), ...tree(step.no, 0, null)];
    const steps = step.steps ?? [...step.yes, ...step.no];
    return branchOf(hostLabel(step), [step], shareOf(steps, inner), children, false);
  };
  // Runs of launches whose scopes agree in the part at `depth`; a part that all share is passed.
  const tree = (steps, depth, often) => {
    const children = [];
    for (let begin = 0, end; begin < steps.length; begin = end) {
      const first = steps[begin], scope = scopeOf(first), part = scope[depth];
      end = begin + 1;
      if (first.kernel === undefined) {
        children.push(hostStep(first, often));
        continue;
      }
      if (part !== undefined)
        while (end < steps.length && scopeOf(steps[end])[depth] === part) end += 1;
      if (end === begin + 1) {
        children.push(leaf(first, shareOf([first], often)));
        continue;
      }
      const run = steps.slice(begin, end);
      let last = depth + 1;
      while (scope[last] !== undefined &&
             run.every((step) => scopeOf(step)[last] === scope[last])) last += 1;
      children.push(branchOf(scope.slice(depth, last).join("/"), run, shareOf(run, often),
                             tree(run, last, often), depth === 0));
    }
    return children;
  };
  return h("section", {id: "graph"}, h("h2", null, "Graph by scope"),
    h("div", {class: "row quiet"}, h("span", null, "scope, kernel"),
      h("span", {class: "number"}, isMeasured() ? "time" : "work"),
      h("span", {class: "number"}, "flop"), h("span", {class: "number"}, "bytes")),
    h("div", {class: "scroll tree"}, ...tree(view.entry.steps, 0, 1)));
}
