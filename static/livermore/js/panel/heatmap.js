// The heat map: an ARIA grid that the server rendered; kept current here, and walked by keyboard.

import { $, $$, clone, el, fill, setAttribute, setText } from "../dom.js";
import { count, elsewhere, gaugeZone, short, signed, zone } from "../format.js";

const ONE_COLUMN = 16; // so few symbols have the width of the map for themselves
const FRESH_MS = 8_000; // how long a cell whose signal has fired stays ringed

const map = $("#cp-map");
const readout = $("#cp-read");
const hint = readout.textContent;
const blocks = $$(".cp-block", map);

const rows = new Map(); // "exchange:symbol" -> {row, cells by timeframe, data}
let timeframes = [];
let indicators = { macdv: "MACD-V" }; // those enabled
let chosen = null; // by the trader; else the map shows the first
let main = "macdv"; // what it shows
let focused = null;
let described = null; // the cell that the read-out is about

const keyOf = ({ exchange, symbol }) => `${exchange}:${symbol}`;

// ── what it shows ──────────────────────────────────────────────────────────

/** Bring the map in line with a status; only what differs is touched. */
export function showMap(status) {
  if (status.timeframes.join() !== timeframes.join()) rebuild(status.timeframes);
  name(status.indicators ?? {}); // an older worker tells none
  const wanted = new Set(status.symbols.map(keyOf));
  let moved = false;
  for (const [key, { row }] of rows) {
    if (wanted.has(key)) continue;
    row.remove();
    rows.delete(key);
    moved = true;
  }
  for (const symbol of status.symbols) {
    if (!rows.has(keyOf(symbol))) {
      rows.set(keyOf(symbol), makeRow(symbol));
      moved = true;
    }
    updateRow(rows.get(keyOf(symbol)), symbol);
  }
  if (moved) arrange();
  describeAgain();
}

/** Show the chosen one of the enabled indicators, or the first, and say so. */
function name(enabled) {
  const names = Object.keys(enabled);
  if (names.length === 0) return; // a runtime that has no plan yet
  if (names.join() !== Object.keys(indicators).join()) offer(enabled);
  indicators = enabled;
  main = names.includes(chosen) ? chosen : names[0];
  $("#cp-shown").value = main;
  setText($("#cp-map-title"), enabled[main]);
  setAttribute(map, "aria-label", `${enabled[main]} by symbol and timeframe`);
  $(".cp-legend").hidden = main !== "macdv"; // its colours are MACD-V's
}

function offer(enabled) {
  const choice = $("#cp-shown");
  const options = Object.entries(enabled).map(([value, label]) => el("option", { value }, label));
  choice.replaceChildren(...options);
  choice.hidden = options.length < 2;
}

function choose({ currentTarget }) {
  chosen = currentTarget.value;
  name(indicators);
  for (const entry of rows.values()) updateRow(entry, entry.data);
  arrange();
  describeAgain();
}

function rebuild(list) {
  timeframes = list;
  rows.clear();
  for (const block of blocks) {
    $$("[data-key]", block).forEach((row) => row.remove());
    const heads = $$("[data-tf]", $(".cp-hrow", block));
    heads.forEach((head) => head.remove());
    $(".cp-hrow", block).append(
      ...list.map((tf) => el("span", { role: "columnheader", "data-tf": tf }, tf)),
    );
  }
}

function makeRow(symbol) {
  const row = clone("cp-heat-row");
  row.dataset.key = keyOf(symbol);
  fill(row, { symbol: short(symbol.symbol), at: elsewhere(symbol) });
  $(".cp-sym", row).title = `${symbol.symbol} of ${symbol.exchange}`;
  const cells = {};
  for (const tf of timeframes) {
    const node = el("span", { class: "lv-z", role: "gridcell", tabindex: "-1", "data-tf": tf });
    cells[tf] = { node, of: null, written: { title: null } };
    row.append(node);
  }
  return { row, cells, data: symbol, live: null };
}

function updateRow(entry, symbol) {
  entry.data = symbol;
  const live = symbol.mending && symbol.live === "receiving" ? "mending" : symbol.live;
  if (entry.live !== live) {
    entry.live = entry.row.dataset.live = live;
    fill(entry.row, { live: live === "receiving" ? "" : ` ${live}` });
    setAttribute($(".cp-sym .lv-i use", entry.row), "href", `#i-${live === "mending" ? "reload" : "stale"}`);
  }
  for (const tf of timeframes) updateCell(entry.cells[tf], symbol.tf[tf]);
}

/** What is written is remembered: asking the page for it costs more. */
function updateCell(cell, value) {
  const isMacdV = main === "macdv";
  const number = isMacdV ? value?.v : value?.g?.[main];
  const sign = isMacdV ? value?.h : null;
  const isIdle = number == null && value?.liquidity === "low";
  const { of } = cell;
  if (of?.main === main && of.number === number && of.sign === sign && of.isIdle === isIdle) return;
  cell.of = { main, number, sign, isIdle };
  write(cell, "text", textOf(number, isMacdV, isIdle));
  write(cell, "title", isIdle ? "low trading activity" : null);
  write(cell, "data-z", number != null && !isMacdV ? gaugeZone(number) : zone(number));
  write(cell, "data-d", sign == null ? "" : sign >= 0 ? "u" : "d");
}

function textOf(number, isMacdV, isIdle) {
  if (number == null) return isIdle ? "low" : "·";
  return isMacdV ? signed(number) : number.toFixed(0);
}

function write(cell, name, value) {
  if (cell.written[name] === value) return;
  cell.written[name] = value;
  if (name === "text") setText(cell.node, value);
  else setAttribute(cell.node, name, value);
}

/** One closed candle moved one cell. */
export function moveCell({ exchange, symbol, timeframe, cell }) {
  const entry = rows.get(keyOf({ exchange, symbol }));
  if (!entry?.cells[timeframe]) return;
  entry.data.tf[timeframe] = cell;
  updateCell(entry.cells[timeframe], cell);
  describeAgain();
}

/** Ring the cell whose signal has just fired. */
export function flash({ exchange, symbol, timeframe }) {
  const node = rows.get(keyOf({ exchange, symbol }))?.cells[timeframe]?.node;
  if (!node) return;
  node.classList.add("cp-fresh");
  setTimeout(() => node.classList.remove("cp-fresh"), FRESH_MS);
}

// ── in which order ─────────────────────────────────────────────────────────

const strength = ({ data }) => {
  const { v, g } = data.tf["1h"] ?? {};
  if (main === "macdv") return Math.abs(v ?? 0);
  return Math.abs((g?.[main] ?? 50) - 50); // a gauge runs from 0 to 100
};
const ORDERS = {
  strong: (a, b) => strength(b) - strength(a),
  name: (a, b) => a.data.symbol.localeCompare(b.data.symbol),
};

/** Order and filter as asked. Rows never move by themselves: a live map must not jump. */
function arrange() {
  const wanted = $("#cp-filter").value.trim().toUpperCase();
  const order = ORDERS[$("#cp-sort").value];
  const entries = [...rows.values()];
  const shown = entries.filter(({ data }) => data.symbol.includes(wanted));
  const visible = new Set(shown);
  if (order) shown.sort(order);
  for (const entry of entries) entry.row.hidden = !visible.has(entry);
  const columns = shown.length <= ONE_COLUMN ? 1 : blocks.length;
  const length = Math.ceil(shown.length / columns);
  blocks.forEach((block, index) => {
    const part = shown.slice(index * length, (index + 1) * length);
    block.append(...part.map(({ row }) => row));
    block.hidden = part.length === 0;
  });
  map.classList.toggle("cp-venues", entries.some(({ data }) => elsewhere(data)));
  $("#cp-map-empty").hidden = entries.length > 0;
  $("#cp-map-none").hidden = entries.length === 0 || shown.length > 0;
  const more = $("#cp-more");
  more.hidden = shown.length < 14;
  if (!map.classList.contains("cp-all")) setText(more, `Show all ${shown.length} symbols`);
  if (!focused?.isConnected) enter($(".lv-z", map));
}

// ── by keyboard and pointer ────────────────────────────────────────────────

function enter(cell) {
  if (focused) focused.tabIndex = -1;
  focused = cell;
  if (cell) cell.tabIndex = 0;
}

function move(cell) {
  enter(cell);
  cell.focus();
}

/** Say a cell's values; what says the same already is not said again to who listens. */
function describe(cell) {
  const entry = rows.get(cell.closest(".cp-row").dataset.key);
  if (!entry) return;
  described = cell;
  const name = `${entry.data.symbol} ${cell.dataset.tf}`;
  const words = ` ${values(entry.data, cell.dataset.tf)}`;
  if (readout.textContent !== name + words) readout.replaceChildren(el("b", {}, name), words);
}

function values(data, timeframe) {
  const { tf, warmUp, exchange, live, mending } = data;
  const parts = [
    elsewhere(data) ? `on ${exchange}` : "",
    inWords(tf[timeframe] ?? {}, warmUp),
    live === "stale" ? "stale: nothing is heard of it" : "",
    mending ? "being held against the exchange's own candles" : "",
  ];
  return parts.filter(Boolean).join(" · ");
}

/** A cell that is looked at may be another one by now, or gone. */
function describeAgain() {
  if (described?.isConnected) describe(described);
  else if (described) describeNone();
}

function describeNone() {
  described = null;
  setText(readout, hint);
}

/** Open the chart of a cell; in a tab of its own where that is asked for. */
function openChart(cell, { ctrlKey, metaKey }) {
  const entry = rows.get(cell.closest(".cp-row").dataset.key);
  if (!entry) return;
  const { exchange, symbol } = entry.data;
  const query = new URLSearchParams({ exchange, symbol, timeframe: cell.dataset.tf });
  const address = `${map.dataset.chart}?${query}`;
  if (ctrlKey || metaKey) window.open(address, "_blank", "noopener");
  else location.assign(address);
}

function inWords({ v, s, h, g, stage, liquidity }, warmUp) {
  const gauges = Object.entries(g ?? {}).map(([key, value]) => `${indicators[key]} ${value.toFixed(1)}`);
  if (v == null && (main === "macdv" || gauges.length === 0)) {
    if (liquidity === "low") return "low trading activity: too few trades for a value";
    if (warmUp) return `warming up: ${count(warmUp.bars)} of ${count(warmUp.wanted)} bars are there`;
    return "warming up: too few closed candles for a value";
  }
  const parts = v == null ? [] : [`MACD-V ${signed(v, 1)}`];
  if (s != null) parts.push(`signal ${signed(s, 1)}`);
  if (h != null) parts.push(`histogram ${signed(h, 1)}`);
  if (stage) parts.push(stage);
  parts.push(...gauges);
  if (liquidity) parts.push(`${liquidity} liquidity`);
  return parts.join(" · ");
}

const isCell = (target) => target.matches?.(".lv-z");

function walk(event) {
  if (!isCell(event.target)) return;
  if (event.key === "Enter") {
    event.preventDefault();
    openChart(event.target, event);
    return;
  }
  const list = $$(".cp-row[data-key]", map).filter((row) => row.offsetParent);
  const row = event.target.closest(".cp-row");
  const cells = $$(".lv-z", row);
  const x = cells.indexOf(event.target);
  const y = list.indexOf(row);
  const to = {
    ArrowRight: [x + 1, y],
    ArrowLeft: [x - 1, y],
    ArrowDown: [x, y + 1],
    ArrowUp: [x, y - 1],
    Home: [0, y],
    End: [cells.length - 1, y],
    PageDown: [x, Math.min(list.length - 1, y + 10)],
    PageUp: [x, Math.max(0, y - 10)],
  }[event.key];
  if (!to) return;
  event.preventDefault();
  const next = list[to[1]] && $$(".lv-z", list[to[1]])[to[0]];
  if (next) move(next);
}

/** Focus the map at its one tab stop. */
export const focusMap = () => focused?.focus();

export function listen() {
  map.addEventListener("pointerover", (event) => isCell(event.target) && describe(event.target));
  map.addEventListener("pointerleave", () => {
    if (!map.contains(document.activeElement)) describeNone();
  });
  map.addEventListener("focusin", (event) => isCell(event.target) && describe(event.target));
  map.addEventListener("click", (event) => isCell(event.target) && openChart(event.target, event));
  map.addEventListener("keydown", walk);
  $("#cp-shown").addEventListener("change", choose);
  for (const [control, event] of [[$("#cp-filter"), "input"], [$("#cp-sort"), "change"]]) {
    control.hidden = false;
    control.addEventListener(event, arrange);
  }
  $("#cp-more").addEventListener("click", ({ currentTarget }) => {
    const isAll = map.classList.toggle("cp-all");
    setAttribute(currentTarget, "aria-expanded", String(isAll));
    setText(currentTarget, isAll ? "Show fewer" : `Show all ${rows.size} symbols`);
  });
}
