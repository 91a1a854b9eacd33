// SPDX-License-Identifier: Apache-2.0
// Elements and numbers. Takes names, attributes and children; gives elements. Keeps true: text
// enters the page as text nodes and attributes only, so that no name of a model becomes markup.
function element(space, name, attributes, children) {
  const made = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function h(name, attributes, ...children) {
  return element("http://www.w3.org/1999/xhtml", name, attributes, children);
}

function drawn(name, attributes, ...children) {
  return element("http://www.w3.org/2000/svg", name, attributes, children);
}

// "1.23 M" for 1234567; at most three digits are significant.
function rounded(value, unit = "", base = 1000) {
  const prefixes = base === 1000 ? ["", "k", "M", "G", "T", "P"] : ["", "Ki", "Mi", "Gi", "Ti"];
  let step = 0;
  while (Math.abs(value) >= base * 0.9995 && step + 1 < prefixes.length) {
    value /= base;
    step += 1;
  }
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  return (value.toFixed(digits) + " " + prefixes[step] + unit).trim();
}

const bytesText = (value) => rounded(value, "B", 1024);
const percent = (share) => (share * 100).toFixed(share < 0.0995 ? 1 : 0) + " %";

function timeText(milliseconds) {
  return milliseconds >= 1 ? milliseconds.toFixed(2) + " ms"
                           : (milliseconds * 1000).toFixed(1) + " µs";
}

// A cell that shows a share as a bar behind its number, which fills it where the share is `most`.
function shareCell(name, share, most = 1) {
  const bar = h("i");
  bar.style.width = Math.min(100, share / most * 100) + "%";
  return h(name, {class: "share number"}, bar, h("span", null, percent(share)));
}
