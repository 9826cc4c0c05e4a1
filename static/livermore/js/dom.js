// Small DOM helpers. Text only ever through textContent.
// Markup stands in the templates: <template id="…"> is cloned, and its [data-slot]s are filled.

const SVG = "http://www.w3.org/2000/svg";

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** The server's data for this page, or null where a page has none. */
export function boot() {
  const element = $("#lv-boot");
  return element && JSON.parse(element.textContent);
}

/** A fresh copy of the one element inside a <template>. */
export function clone(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** Write each value into the slot of that name; null and undefined empty it. */
export function fill(root, values) {
  for (const [name, value] of Object.entries(values)) {
    setText(root.querySelector(`[data-slot="${name}"]`), value ?? "");
  }
  return root;
}

/** The node's text, touched only when it differs; its text node is kept, which is far cheaper. */
export function setText(node, value) {
  if (!node) return;
  const text = String(value);
  const only = node.firstChild;
  if (only instanceof Text && !only.nextSibling) {
    if (only.data !== text) only.data = text;
  } else if (node.textContent !== text) {
    node.textContent = text;
  }
}

/** An attribute that is only touched when it changes; false and null remove it. */
export function setAttribute(node, name, value) {
  if (value === false || value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** Whether it is hidden, touched only when it changes. */
export function setHidden(node, isHidden) {
  if (node.hidden !== isHidden) node.hidden = isHidden;
}

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function setIcon(root, name) {
  setAttribute($("use", root), "href", `#i-${name}`);
}
