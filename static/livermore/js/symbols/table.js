// The rows of the table, by key. They are made once and updated in place; only a change of the
// list itself moves any.

import { $, boot, el } from "../dom.js";
import { ask } from "../api.js";
import { emit } from "../live.js";
import { isOlder } from "../runtime.js";
import {
  entryOf,
  moveCells,
  noteOf,
  rebuildCells,
  showCells,
  showFigure,
  showReport,
  showState,
} from "./row.js";
import { commonDetails, keyOf, lookOf } from "./words.js";

const ABOVE = new Set(["paused", "offline"]); // the notice above the page says it already
const LIVE = new Set(["receiving", "warming-up", "low-trading-activity"]);
const bodies = { list: $("#sy-rows"), beside: $("#sy-beside") };
const notes = $("#sy-notes");
const entries = new Map();
const listeners = [];
let timeframes = boot().timeframes;
let sourceNotes = [];
let heard = { of: null, keys: new Set() }; // the newest status; which rows have its cells, or newer
let order = null; // how the rows are sorted; null: as the list has them

export const rows = () => [...entries.values()];
export const listed = () => rows().filter(({ report }) => report.row != null);
export const entry = (key) => entries.get(key);
export const shortest = () => timeframes[0];

/** Call `fn` when rows, states or categories are others than before. */
export const whenChanged = (fn) => listeners.push(fn);
export const changed = () => listeners.forEach((fn) => fn());

/** Take over what the server has rendered. */
export function adopt() {
  const { symbols, figures } = boot();
  const known = new Map(
    Object.values(bodies).flatMap((body) => [...body.rows].map((row) => [row.dataset.key, row])),
  );
  for (const report of symbols) {
    const key = keyOf(report);
    entries.set(key, entryOf(report, known.get(key)));
  }
  showReports(symbols);
  showFigures(figures);
}

// ── what the API tells ─────────────────────────────────────────────────────

let reading = null;

/** Ask how everything is doing, and show it. Whoever asks meanwhile waits for a newer answer. */
export async function refresh() {
  await reading;
  reading ??= read();
  return reading;
}

async function read() {
  const answer = await ask("GET", "/api/symbols");
  reading = null;
  if (answer.ok) take(answer.body);
  return answer;
}

/** The server answers from a status that may be older than what the line has told meanwhile. */
function take({ symbols, runtime }) {
  if (!runtime || !heard.of || isOlder(heard.of, runtime)) {
    heard = { of: runtime ?? null, keys: new Set() };
    showReports(symbols);
    return;
  }
  for (const report of symbols) {
    const one = entries.get(keyOf(report));
    if (one && heard.keys.has(one.key)) report.timeframes = one.report.timeframes;
  }
  showReports(symbols);
  if (isOlder(runtime, heard.of)) emit("status"); // its states are shown again
}

export function showReports(reports) {
  const common = commonDetails(reports);
  const keys = new Set(reports.map(keyOf));
  for (const [key, { row }] of entries) {
    if (keys.has(key)) continue;
    row.remove();
    entries.delete(key);
  }
  for (const report of reports) {
    const one = sameKind(report) ?? entryOf(report);
    entries.set(one.key, one);
    if (Object.keys(one.cells).join() !== timeframes.join()) rebuildCells(one, timeframes);
    showReport(one, report, timeframes, common.has(`${report.state}\n${report.detail}`));
  }
  arrange();
  showNotes(common);
  const isEmpty = entries.size === 0;
  $("#sy-empty").hidden = !isEmpty;
  for (const id of ["sy-scroll", "sy-legend"]) document.getElementById(id).hidden = isEmpty;
  $("#sy-beside-head").hidden = reports.every(({ row }) => row != null);
  changed();
}

/** A row of the list has other controls than one beside it: on the way over it is made anew. */
function sameKind(report) {
  const one = entries.get(keyOf(report));
  if (!one) return null;
  const isListed = report.row != null;
  if (Boolean(one.toggle) === isListed) return one;
  one.row.remove();
  const fresh = entryOf(report);
  showFigure(fresh, one.figure);
  return fresh;
}

function showNotes(common) {
  const texts = [...common].flatMap(([said, count]) => {
    const [state, detail] = said.split("\n");
    return ABOVE.has(state) ? [] : `${count} ${lookOf(state)[2]}: ${detail}`;
  });
  const all = [...texts, ...sourceNotes];
  notes.hidden = all.length === 0;
  notes.replaceChildren(...all.map((text) => el("li", {}, text)));
}

// ── what the socket tells ──────────────────────────────────────────────────

/**
 * Bring states, progress and stages in line with a status. `isOpen`: it leaves a question that the
 * server answers; `isMoved`: a state is another one now.
 */
export function showStatus(status) {
  if (isOlder(status, heard.of)) return { isOpen: false, isMoved: false }; // an answer was quicker
  if (!heard.of || isOlder(heard.of, status)) heard = { of: status, keys: new Set() };
  if (status.timeframes.join() !== timeframes.join()) retime(status.timeframes);
  const isOn = ["running", "starting"].includes(status.state) && status.dataPlane.state === "turning";
  let isOpen = false;
  let isMoved = false;
  const backfills = new Map(status.backfill.map((one) => [keyOf(one), one]));
  for (const symbol of status.symbols) {
    const one = entries.get(keyOf(symbol));
    if (!one) {
      isOpen = true;
      continue;
    }
    if (!heard.keys.has(one.key)) moveCells(one, symbol.tf, timeframes);
    heard.keys.add(one.key);
    const state = isOn ? liveState(symbol) : null;
    if (!state) {
      isOpen ||= LIVE.has(one.report.state);
      continue;
    }
    if (state !== one.report.state) {
      one.report.detail = undefined;
      one.isCommon = false;
      isOpen = isMoved = true; // the sentence beside the word comes from the server
    }
    one.report.state = state;
    const { warmUp } = symbol;
    one.report.progress = warmUp && { bars: warmUp.bars, total: warmUp.wanted };
    const note = one.isCommon ? "" : noteOf(one.report);
    showState(one, state, backfillNote(backfills.get(one.key)) ?? note);
  }
  return { isOpen, isMoved };
}

function liveState({ live, tf }) {
  if (live === "warming") return "warming-up";
  if (live !== "receiving") return null;
  return tf[timeframes[0]]?.liquidity === "low" ? "low-trading-activity" : "receiving";
}

function backfillNote(backfill) {
  if (!backfill || !["waiting", "running"].includes(backfill.state)) return null;
  const share = backfill.total ? Math.floor((100 * backfill.done) / backfill.total) : 0;
  return `history: ${share} % read`;
}

/** One closed candle moved one cell. */
export function moveCell({ exchange, symbol, timeframe, cell }) {
  const one = entries.get(keyOf({ exchange, symbol }));
  if (!one) return;
  heard.keys.add(one.key);
  moveCells(one, { [timeframe]: cell }, timeframes, [timeframe]);
}

function retime(list) {
  timeframes = list;
  $("#sy-heads").replaceChildren(...list.map((tf) => el("span", {}, tf)));
  for (const one of rows()) {
    rebuildCells(one, list);
    showCells(one, one.report.timeframes, list);
  }
}

// ── figures ────────────────────────────────────────────────────────────────

export let figuresAt = null; // server's time of the oldest, ms

export function showFigures({ figures, exchanges }) {
  const byKey = new Map(figures.map((one) => [keyOf(one), one]));
  for (const one of rows()) showFigure(one, byKey.get(one.key));
  const times = exchanges.filter(({ readAt }) => readAt).map(({ readAt }) => Date.parse(readAt));
  figuresAt = times.length ? Math.min(...times) : null;
  sourceNotes = exchanges.filter(({ note }) => note).map(({ note }) => note);
  showNotes(commonDetails(rows().map(({ report }) => report)));
}

// ── order ──────────────────────────────────────────────────────────────────

/** Sort by a comparison; null: as the list has them. */
export function sortBy(compare) {
  order = compare;
  arrange();
}

export const isInListOrder = () => order === null;

function arrange() {
  const byRow = (one, other) => one.report.row - other.report.row;
  const wanted = {
    list: listed().sort(order ?? byRow),
    beside: rows().filter(({ report }) => report.row == null),
  };
  for (const [name, list] of Object.entries(wanted)) {
    const body = bodies[name];
    const first = name === "beside" ? 1 : 0; // behind its heading
    list.forEach(({ row }, at) => {
      const there = body.rows[first + at];
      if (there !== row) body.insertBefore(row, there ?? null);
    });
  }
}
