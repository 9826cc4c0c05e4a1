// One registry for the keyboard; "?" lists what is registered.
// Single keys can be switched off (WCAG 2.1.4): the choice is this browser's.

import { $, el } from "./dom.js";

const STORED = "livermore.single-keys";
const PREFIX_MS = 900;

const registry = new Map();
let prefix = "";

/** Register `run` for a combination such as "p" or "g c". */
export function key(combination, text, run) {
  registry.set(combination, { text, run });
}

export const singleKeys = () => localStorage.getItem(STORED) !== "off";

function isTyping(target) {
  const field = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
  return Boolean(target.closest?.(field));
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (isTyping(event.target) || $("dialog[open]")) return;
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const combination = prefix ? `${prefix} ${pressed}` : pressed;
  if (!singleKeys() && pressed !== "?") return;
  if (!prefix && pressed === "g") {
    prefix = "g";
    setTimeout(() => (prefix = ""), PREFIX_MS);
    return;
  }
  prefix = "";
  const entry = registry.get(combination);
  if (!entry) return;
  event.preventDefault();
  entry.run(event);
});

export function showKeys() {
  const terms = [...registry].flatMap(([combination, { text }]) => [
    el("dt", {}, el("kbd", {}, combination)),
    el("dd", {}, text),
  ]);
  $("#lv-keys-list").replaceChildren(...terms);
  const choice = $("#lv-keys-single");
  choice.checked = singleKeys();
  choice.onchange = () => localStorage.setItem(STORED, choice.checked ? "on" : "off");
  $("#lv-keys").showModal();
}
