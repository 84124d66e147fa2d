// Elements and numbers as text. Whatever comes from the data is written as text or set as a property, never parsed as
// markup.

const $ = (id) => document.getElementById(id);
const SVG = ["svg", "g", "path", "text", "image", "defs", "pattern", "rect"];

function make(tag, properties = {}, ...children) {
  const node = SVG.includes(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function digits(value) {
  return Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
}

function number(value, sign = "auto", places = digits(value)) {
  const format = { minimumFractionDigits: places, maximumFractionDigits: places, signDisplay: sign };
  return value.toLocaleString("en", format).replace("-", "−");
}

const whole = (value) => value.toLocaleString("en");

function percent(value) {
  if (value === null) return "–";
  if (value > 0 && value < 0.001) return "<\u00a00.1\u00a0%";
  return `${number(100 * value, "auto", value > 0 && value < 0.01 ? 1 : 0)}\u00a0%`;
}
