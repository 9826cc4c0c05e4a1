// Signals, errors, and commands: those that the server knows of, and what this page sends.

import { now } from "../clock.js";
import { $, clone, fill, setAttribute, setIcon } from "../dom.js";
import { age, clock, count, short, signed, took, zone } from "../format.js";

const SIGNALS = 30;
const COMMANDS = 12;
const ANSWERS = {
  sent: ["off", "stale", "Sent"],
  acknowledged: ["off", "stale", "Received"],
  succeeded: ["ok", "ok", "Applied"],
  failed: ["bad", "x", "Failed"],
  refused: ["bad", "x", "Refused"],
  expired: ["warn", "stale", "Expired"],
  recorded: ["warn", "recorded", "Recorded"],
  unanswered: ["warn", "stale", "No answer"],
};
// What became of a signal; the same rules as `control/marks.py`.
const STATES = {
  delivered: ["ok", "ok", "Delivered"],
  uncertain: ["warn", "unknown", "Uncertain"],
  failed: ["bad", "x", "Failed"],
  missed: ["warn", "stale", "Missed"],
  quiet: ["off", "moon", "Quiet hours"],
  muted: ["off", "muted", "Muted"],
};
const UNMARKED = ["pending", "recorded"];

// ── signals ────────────────────────────────────────────────────────────────

const signals = $("#cp-signals");
const moved = new Map(); // what became of a signal may be told before the signal itself
const MOVED = 200;

function signalRow(signal) {
  const row = fill(clone("cp-signal"), {
    time: clock(signal.closedAt),
    symbol: short(signal.symbol),
    timeframe: signal.timeframe,
    text: `${signal.kind.replaceAll("-", " ")} ${signal.direction}`,
    value: signed(signal.value),
  });
  row.title = signal.detail;
  setAttribute($(".lv-z", row), "data-z", zone(signal.value));
  row.dataset.alert = signal.id;
  showState($("[data-mark]", row), moved.get(signal.id) ?? signal.state);
  return row;
}

function showState(mark, state) {
  const [tone, glyph, word] = STATES[state] ?? ["off", "unknown", state];
  setAttribute(mark, "data-s", tone);
  setIcon(mark, glyph);
  mark.title = word;
  fill(mark, { state: word });
  mark.hidden = UNMARKED.includes(state);
}

/** The server's rows again, in this browser's time. */
export function showSignals(list) {
  replace(signals, list.map(signalRow));
}

export function addSignal(signal) {
  $(".lv-empty", signals).hidden = true;
  const row = signalRow(signal);
  row.classList.add("cp-new");
  signals.prepend(row);
  while (signals.children.length > SIGNALS + 1) signals.children[SIGNALS - 1].remove();
}

/** What became of a signal, as its deliveries end. */
export function moveSignal({ id, state }) {
  moved.delete(id);
  moved.set(id, state);
  if (moved.size > MOVED) moved.delete(moved.keys().next().value);
  const row = $(`[data-alert="${Number(id)}"]`, signals);
  if (row) showState($("[data-mark]", row), state);
}

// ── errors ─────────────────────────────────────────────────────────────────

const errors = $("#cp-errors");

export function showErrors(list, at) {
  const rows = list.map((error) => {
    const row = fill(clone("cp-error"), {
      level: error.level,
      where: error.where,
      when: `${error.count > 1 ? `${count(error.count)}× · ` : ""}${age(at - error.at)} ago`,
      message: error.message,
    });
    const isError = error.level === "error";
    setAttribute($(".lv-st", row), "data-s", isError ? "bad" : "warn");
    setIcon(row, isError ? "faulted" : "stale");
    return row;
  });
  replace(errors, rows);
}

// ── commands ───────────────────────────────────────────────────────────────

const commands = $("#cp-commands");
const listed = []; // newest first

/** The server's rows again: from now on their ages tick. Their times are by the server's clock. */
export function showHistory(list) {
  for (const row of commands.querySelectorAll("tr:not(.cp-none)")) row.remove();
  for (const { command, detail, who, via, ...answer } of [...list].reverse()) {
    const by = [who, via === "panel" ? "" : via].filter(Boolean).join(", ");
    add({ command, detail, by }, { ...answer, key: null, time: now });
  }
}

export function addCommand({ key, command, payload, at }) {
  const detail = payload.mode ? `mode ${payload.mode}` : "";
  add({ command, detail, by: "" }, { key, at, status: "sent", time: Date.now });
}

function add(words, entry) {
  const row = fill(clone("cp-command"), words);
  listed.unshift({ ...entry, row });
  for (const old of listed.splice(COMMANDS)) old.row.remove();
  $(".cp-none", commands).hidden = true;
  commands.prepend(row);
  showAnswer(listed[0]);
}

export function moveCommand({ key, ...change }) {
  const entry = listed.find((candidate) => candidate.key === key);
  if (!entry) return;
  if (isOpen(change.status) && !isOpen(entry.status)) return; // an answer is never taken back
  Object.assign(entry, change);
  showAnswer(entry);
}

const isOpen = (status) => status === "sent" || status === "acknowledged";

function showAnswer({ row, status, message, ms }) {
  const [tone, glyph, word] = ANSWERS[status] ?? ["off", "unknown", status];
  fill(row, { word, message: message ?? "", took: isOpen(status) ? "…" : took(ms) });
  setAttribute($(".lv-st", row), "data-s", tone);
  setIcon(row, glyph);
  $(".lv-spin", row).hidden = !isOpen(status);
  setAttribute($(".lv-st .lv-i", row), "hidden", isOpen(status) ? "" : null);
  const open = listed.filter((entry) => isOpen(entry.status)).length;
  fill($(".cp-hist"), { pending: open ? `${open} pending` : "" });
}

/** The ages of commands tick, each by the clock that also timed it. */
export function tickCommands() {
  for (const { row, at, time } of listed) fill(row, { when: `${age(time() - at)} ago` });
}

// ── both ───────────────────────────────────────────────────────────────────

/** New rows before the list's empty state, which stays in place and is hidden while not needed. */
function replace(list, rows) {
  const empty = $(".lv-empty", list);
  list.replaceChildren(...rows, empty);
  empty.hidden = rows.length > 0;
}
