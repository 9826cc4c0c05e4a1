// The symbols page: puts the parts together and keeps them current.

import { ask } from "../api.js";
import { now } from "../clock.js";
import { $, fill, setAttribute, setIcon, setText } from "../dom.js";
import { age, took } from "../format.js";
import { on } from "../live.js";
import { isCurrent, isCutOff, isInformed, known, state } from "../runtime.js";
import { toast } from "../toast.js";
import * as acts from "./acts.js";
import * as adding from "./add.js";
import * as dialogs from "./dialogs.js";
import * as filters from "./filters.js";
import * as importing from "./import.js";
import * as order from "./order.js";
import * as selection from "./selection.js";
import * as table from "./table.js";

const TICK_MS = 1_000;
const REST_MS = 2_000; // between two questions to the server that the status made necessary

let isAsked = false;
let resting = null;
let seen = ""; // of the runtime, what the server's words depend on

/** Ask the server anew: at once, and after that no more often than it can be of use. */
function askAgain() {
  if (resting) {
    isAsked = true;
    return;
  }
  table.refresh();
  resting = setTimeout(() => {
    resting = null;
    if (!isAsked) return;
    isAsked = false;
    askAgain();
  }, REST_MS);
}

function draw() {
  const { status } = known;
  if (status && !known.absent) {
    const { isOpen, isMoved } = table.showStatus(status);
    if (isMoved) table.changed();
    if (isOpen) askAgain();
  }
  tick();
}

/** What depends on the time, and on what the runtime is. */
function tick() {
  showAge();
  if (!isInformed()) return;
  const shown = state(now());
  document.body.classList.toggle("sy-old", !isCurrent(shown));
  notice(shown);
  const { status } = known;
  const is = [shown, status?.mode, status?.settingsRevision, status?.symbols.length].join();
  if (is === seen) return;
  const isFirst = seen === "";
  seen = is;
  if (!isFirst && shown !== "unknown") askAgain();
}

const NOTICES = {
  offline: ["offline", "No worker is running this account", "Nothing is received. The list can be changed all the same."],
  stale: ["stale", "No heartbeat", "What stands below was so when it was last heard of."],
  faulted: ["faulted", "Market data stopped", "The control panel says why, and when it starts again."],
  paused: ["paused", "Paused", "Nothing is received. Changes of the list are taken over on resume."],
  lost: ["offline", "Reconnecting", "This page is cut off. It shows what was known before."],
};
const TONES = { offline: "off", stale: "warn", faulted: "bad", paused: "warn", lost: "off" };

function notice(shown) {
  const name = isCutOff() ? "lost" : shown;
  const box = $("#sy-notice");
  const words = NOTICES[name];
  box.hidden = !words;
  if (!words || box.dataset.name === name) return;
  box.dataset.name = name;
  setAttribute(box, "data-k", TONES[name]);
  setIcon(box, words[0]);
  fill(box, { title: words[1], text: words[2] });
}

// ── figures ────────────────────────────────────────────────────────────────

function showAge() {
  const { figuresAt } = table;
  setText($("#sy-age"), figuresAt === null ? "" : `figures of ${age(now() - figuresAt)} ago`);
}

async function refreshFigures(event) {
  event.preventDefault();
  const button = event.currentTarget;
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  const began = performance.now();
  const answer = await ask("GET", "/api/symbols/figures");
  button.removeAttribute("aria-busy");
  if (!answer.ok) {
    toast("No new figures", answer.message, { glyph: "faulted", stays: true });
    return;
  }
  table.showFigures(answer.body);
  showAge();
  toast("Figures refreshed", took(performance.now() - began));
}

// ── the buttons of the rows ────────────────────────────────────────────────

function clicked(event) {
  const control = event.target.closest(".sy-switch, [data-add], [data-edit], [data-remove]");
  if (!control || event.ctrlKey || event.metaKey) return;
  const one = table.entry(control.closest("tr").dataset.key);
  if (!one) return;
  event.preventDefault();
  if (control.matches(".sy-switch")) acts.toggle(one);
  else if (control.matches("[data-add]")) acts.add(one.report, one);
  else if (control.matches("[data-edit]")) dialogs.askRow(one);
  else dialogs.askRemoval([one]);
}

function submitted(event) {
  event.preventDefault();
  if (event.submitter?.name === "act") selection.run(event.submitter.value);
}

table.adopt();
for (const part of [dialogs, filters, selection, order, adding, importing]) part.listen();
$("#sy-form").addEventListener("submit", submitted);
$("#sy-form").addEventListener("click", clicked);
$("#sy-figures").addEventListener("click", refreshFigures);

on("status", draw);
on("watchlist", askAgain); // the scanner's word, also where no runtime says more
on("link", tick);
on("desired", tick);
on("indicator", table.moveCell);
table.changed();
draw();
setInterval(tick, TICK_MS);
