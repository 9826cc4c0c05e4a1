// Signals, errors, and commands: those that the server knows of, and what this page sends.

import { ask } from "../api.js";
import { now } from "../clock.js";
import { $, $$, clone, fill, setAttribute, setHidden, setIcon } from "../dom.js";
import { age, clock, count, elsewhere, short, signed, took, zone } from "../format.js";
import { showState } from "../marks.js";

const SIGNALS = 30;
const COMMANDS = 12;
const READ_MS = 400; // what is answered in one go is read once
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
const UNSETTLED = ["sent", "acknowledged", "recorded", "unanswered"];
const UNMARKED = ["pending", "recorded"];

// ── signals ────────────────────────────────────────────────────────────────

const signals = $("#cp-signals");
const moved = new Map(); // what became of a signal may be told before the signal itself
const MOVED = 200;

function signalRow(signal) {
  const row = fill(clone("cp-signal"), {
    time: clock(signal.closedAt),
    symbol: short(signal.symbol),
    at: elsewhere(signal),
    timeframe: signal.timeframe,
    text: `${signal.kind.replaceAll("-", " ")} ${signal.direction}`,
    value: signed(signal.value),
  });
  row.title = signal.detail;
  $(".cp-name", row).title = `${signal.symbol} of ${signal.exchange}`;
  setAttribute($(".lv-z", row), "data-z", zone(signal.value));
  row.dataset.alert = signal.id;
  row.dataset.closed = signal.closedAt;
  const { exchange, symbol, timeframe, closedAt: at } = signal;
  const link = $("a", row);
  link.href = `${link.getAttribute("href")}?${new URLSearchParams({ exchange, symbol, timeframe, at })}`;
  showMark($("[data-mark]", row), moved.get(signal.id) ?? signal.state);
  return row;
}

function showMark(mark, state) {
  showState(mark, state);
  setAttribute(mark, "title", mark.textContent.trim());
  setHidden(mark, UNMARKED.includes(state));
}

/** The server's rows again, in this browser's time. */
export function showSignals(list) {
  replace(signals, list.map(signalRow));
}

const signalRowOf = (id) => $(`[data-alert="${Number(id)}"]`, signals);

/** The ids of the signals that are listed. */
export const listedSignals = () =>
  $$("[data-alert]", signals).map(({ dataset }) => Number(dataset.alert));

/**
 * A signal among those there are, once. One that was missed is told late, and stands at its moment;
 * where that is further back than the list goes, nothing is touched.
 */
export function addSignal(signal) {
  if (signalRowOf(signal.id)) return;
  const rows = [...signals.children];
  const place = rows.findIndex((other) => !isNewer(other.dataset, signal));
  if (place >= SIGNALS) return;
  setHidden($(".lv-empty", signals), true);
  const row = signalRow(signal);
  row.classList.add("cp-new");
  rows[place].before(row);
  while (signals.children.length > SIGNALS + 1) signals.children[SIGNALS].remove();
}

/** Whether a row stands above a signal, as the server orders them; the empty state never does. */
function isNewer({ closed, alert }, { closedAt, id }) {
  return Number(closed) > closedAt || (Number(closed) === closedAt && Number(alert) > id);
}

/** What became of a signal, as its deliveries end. */
export function moveSignal({ id, state }) {
  moved.delete(id);
  moved.set(id, state);
  if (moved.size > MOVED) moved.delete(moved.keys().next().value);
  const row = signalRowOf(id);
  if (row) showMark($("[data-mark]", row), state);
}

// ── errors ─────────────────────────────────────────────────────────────────

const errors = $("#cp-errors");

let told = []; // the errors shown, each with its row

/** Bring the tail in line with a status: rows are kept, and only what differs is touched. */
export function showErrors(list) {
  const rows = told.map(({ row }) => row);
  if (rows.length !== list.length) {
    while (rows.length < list.length) rows.push(clone("cp-error"));
    rows.length = list.length;
    replace(errors, rows);
  }
  told = list.map((error, index) => ({ row: rows[index], error }));
  for (const { row, error } of told) {
    const isError = error.level === "error";
    fill(row, { level: error.level, where: error.where, message: error.message });
    setAttribute($(".lv-st", row), "data-s", isError ? "bad" : "warn");
    setIcon(row, isError ? "faulted" : "stale");
  }
}

/** Their counts and ages tick by the server's clock. */
export function tickErrors(at) {
  for (const { row, error } of told) {
    const times = error.count > 1 ? `${count(error.count)}× · ` : "";
    fill(row, { when: `${times}${age(at - error.at)} ago` });
  }
}

// ── commands ───────────────────────────────────────────────────────────────

const commands = $("#cp-commands");
const listed = []; // newest first
let reading = null;

/** The server's rows again: from now on their ages tick. */
export function beginHistory(list) {
  for (const row of commands.querySelectorAll("tr:not(.cp-none)")) row.remove();
  showHistory(list);
}

/** Lines of the history, newest first, before those there are. Their times are the server's. */
function showHistory(list) {
  for (const { command, detail, who, via, ...answer } of [...list].reverse()) {
    const by = [who, via === "panel" ? "" : via].filter(Boolean).join(", ");
    add({ command, detail, by }, { ...answer, key: null, time: now });
  }
}

/** Of an answer to whosever command: those of other pages and programs are in the history. */
export function heardOf({ commandId, status }) {
  if (status === "acknowledged" || isListed(commandId)) return;
  clearTimeout(reading);
  reading = setTimeout(readHistory, READ_MS);
}

/** Read which commands have their answer, also where that came when nobody heard it. */
export async function readHistory() {
  const { ok, body } = await ask("GET", "/api/control/history", { query: { limit: COMMANDS } });
  if (!ok) return;
  showHistory(body.entries.filter(({ id }) => !isListed(id)));
  for (const { id, status, message, ms } of body.entries) settle(id, { status, message, ms });
}

/** What a listed command that had no answer became after all. */
function settle(id, answer) {
  const entry = listed.find((one) => one.id === id);
  if (!UNSETTLED.includes(entry?.status)) return;
  Object.assign(entry, answer);
  showAnswer(entry);
}

const isListed = (id) => listed.some((entry) => entry.id === id);

export function addCommand({ key, command, payload, at }) {
  const detail = detailOf(payload);
  add({ command, detail, by: "you" }, { key, at, status: "sent", time: Date.now });
}

/** A payload in a few words, as `control/history.py` has it. */
function detailOf({ mode, scope, symbol, exchange, timeframe, timeframes }) {
  if (mode) return `mode ${mode}`;
  const market = symbol && `${symbol}${exchange ? ` on ${exchange}` : ""}`;
  const words = [scope && `scope ${scope}`, timeframe, market].filter(Boolean).join(" ");
  return timeframes ? `${words}, ${timeframes.join(" ")}` : words;
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
