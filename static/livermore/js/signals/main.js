// The signals page: puts the parts together.

import { $, $$ } from "../dom.js";
import { key } from "../keys.js";
import * as acts from "./acts.js";
import { listen, showNew } from "./arrivals.js";

const STORED = "livermore.signals.focus"; // which control was changed, across the page it led to

const filter = $("#sg-filter");

/** Ask for what the form says; what is empty has no place in the address. */
function ask(control) {
  if (control) sessionStorage.setItem(STORED, control.id || control.name);
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(filter)) if (value !== "") asked.append(name, value);
  location.assign(`${location.pathname}?${asked}`);
}

function listenToFilter() {
  filter.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(document.activeElement);
  });
  for (const control of $$("select, input[type=radio]", filter)) {
    control.addEventListener("change", () => ask(control));
  }
}

/** Who chose by keyboard goes on where they were. */
function restoreFocus() {
  const name = sessionStorage.getItem(STORED);
  sessionStorage.removeItem(STORED);
  if (!name) return;
  const control = document.getElementById(name) ?? $(`[name="${CSS.escape(name)}"]:checked`, filter);
  control?.focus({ preventScroll: true });
}

listenToFilter();
restoreFocus();
listen();
acts.listen();
key("/", "Filter by symbol", () => filter.elements.q.focus());
key("n", "Show new signals", () => !$("#sg-new").hidden && showNew());
