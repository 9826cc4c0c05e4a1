// One row of the table: its nodes, found once, and how they are brought in line with what is known.
// Nothing is touched that has not changed: a status comes with five hundred symbols.

import { $, $$, clone, el, fill, setAttribute, setHidden, setIcon, setText } from "../dom.js";
import { count, percent, price, zone } from "../format.js";
import { also, chartAddress, compact, keyOf, letters, liquidityOf, lookOf, told } from "./words.js";

const LIQUIDITY = ["unknown", "low", "medium", "high"];
const NONE = "–";

/** The row of a report: the server's own, or a new one. */
export function entryOf(report, row = clone("sy-row")) {
  const find = (name) => $(`[data-slot="${name}"]`, row);
  const entry = {
    key: keyOf(report),
    row,
    report,
    figure: null,
    shown: {},
    cells: {},
    slots: Object.fromEntries(
      ["price", "change", "volume", "liquidity", "word", "detail"].map((name) => [name, find(name)]),
    ),
    look: $(".lv-st", row),
    bars: $(".sy-liq", row),
    strip: $(".sy-strip", row),
    tags: $("[data-tags]", row),
    pick: $('[name="market"]', row),
    toggle: $(".sy-switch", row),
    grip: $("[data-grip]", row),
  };
  for (const cell of entry.strip.children) entry.cells[cell.dataset.tf] = cellOf(cell);
  if (row.dataset.key !== entry.key) name(entry);
  return entry;
}

// What stands in the cell is remembered: asking the page for it costs more.
const cellOf = (node) => ({
  node,
  title: node.title,
  letters: node.textContent,
  z: node.dataset.z,
});

function name({ row, report, key, pick, toggle, grip }) {
  const { exchange, symbol } = report;
  row.dataset.key = key;
  fill(row, { symbol, exchange });
  const link = $('[data-slot="symbol"]', row);
  link.href = chartAddress($("#sy-form").dataset.chart, report);
  const isListed = report.row != null;
  const add = $("[data-add]", row);
  if (!isListed) {
    for (const node of [pick, toggle, ...$$("[data-grip], [data-edit], [data-remove]", row)]) node?.remove();
    add.value = `add ${key}`;
    setAttribute(add, "aria-label", `Add ${symbol} to the watchlist`);
    return;
  }
  add?.remove();
  pick.value = key;
  setAttribute(pick, "aria-label", `Choose ${symbol}`);
  setAttribute(toggle, "aria-label", `Watch ${symbol}`);
  setAttribute(grip, "aria-label", `Move ${symbol}: arrow keys`);
  const edit = $("[data-edit]", row);
  const place = `edit/${encodeURIComponent(exchange)}/${encodeURIComponent(symbol)}/`;
  edit.href = new URL(place, new URL($("#sy-form").action, location.href));
  setAttribute(edit, "aria-label", `Edit ${symbol}`);
  const remove = $("[data-remove]", row);
  remove.value = `remove ${key}`;
  setAttribute(remove, "aria-label", `Remove ${symbol}`);
}

/** Everything that a report says; `isCommon` leaves out a sentence that stands above the table. */
export function showReport(entry, report, timeframes, isCommon) {
  entry.report = report;
  entry.isCommon = isCommon;
  const { row, toggle, tags, key } = entry;
  showState(entry, report.state, isCommon ? "" : noteOf(report));
  setAttribute(entry.look, "title", isCommon ? report.detail : null);
  setHidden($("[data-held]", row), !report.held);
  if (toggle) {
    setAttribute(toggle, "aria-checked", String(Boolean(report.enabled)));
    setAttribute(toggle, "value", `${report.enabled ? "disable" : "enable"} ${key}`);
  }
  const labels = report.categories.join("\n");
  if ([...tags.children].map((one) => one.textContent).join("\n") !== labels) {
    tags.replaceChildren(...report.categories.map((one) => el("span", { class: "lv-chip" }, one)));
  }
  showAlso($("[data-also]", row), report);
  showCells(entry, report.timeframes, timeframes);
}

function showAlso(box, { equivalents }) {
  if (!equivalents) return; // the page begins with the server's own words
  setHidden(box, equivalents.length === 0);
  const texts = equivalents.map(also);
  fill(box, { also: texts.length });
  const list = $("ul", box);
  if ([...list.children].map((one) => one.textContent).join("\n") !== texts.join("\n")) {
    list.replaceChildren(...texts.map((text) => el("li", {}, text)));
  }
}

/** What stands under the state's word. */
export function noteOf({ state, progress, detail }) {
  if (state === "disabled") return ""; // the switch beside it says why
  if (progress) return `${count(progress.bars)} of ${count(progress.total)} bars`;
  return detail ?? "";
}

export function showState(entry, state, note) {
  if (entry.shown.state !== state) {
    entry.shown.state = entry.row.dataset.state = state;
    const [tone, glyph, word] = lookOf(state);
    setAttribute(entry.look, "data-s", tone);
    setIcon(entry.look, glyph);
    setText(entry.slots.word, word);
  }
  if (entry.shown.note !== note) {
    entry.shown.note = note;
    setText(entry.slots.detail, note);
  }
}

/** The stages, by timeframe: {stage, macdV, liquidity}. */
export function showCells(entry, values, timeframes) {
  for (const tf of timeframes) showCell(entry, tf, values[tf]);
  showLiquidity(entry, liquidityOf(values, timeframes));
}

/** The cells of a status, of which most are as they were: {stage, v, liquidity}. */
export function moveCells(entry, cells, timeframes, moving = timeframes) {
  const values = entry.report.timeframes;
  let isTradedOtherwise = false;
  for (const tf of moving) {
    const { v, stage, liquidity: traded } = cells[tf] ?? {};
    const known = values[tf];
    if (known && known.macdV === v && known.stage === stage && known.liquidity === traded) continue;
    isTradedOtherwise ||= known?.liquidity !== traded || !known?.stage !== !stage;
    values[tf] = { macdV: v, stage, liquidity: traded };
    showCell(entry, tf, values[tf]);
  }
  if (isTradedOtherwise) showLiquidity(entry, liquidityOf(values, timeframes));
}

export function showCell(entry, timeframe, value) {
  const cell = entry.cells[timeframe];
  if (!cell) return;
  const title = told(timeframe, value);
  if (cell.title === title) return;
  cell.title = cell.node.title = title; // its name as well: it is an image without another
  const text = value?.macdV == null ? "·" : letters(value.stage);
  if (cell.letters !== text) setText(cell.node, (cell.letters = text));
  const z = zone(value?.macdV);
  if (cell.z !== z) cell.z = cell.node.dataset.z = z;
}

/** The cells of other timeframes than before: a mode was switched. */
export function rebuildCells(entry, timeframes) {
  const nodes = timeframes.map((tf) =>
    el("span", { class: "lv-z", role: "img", "data-tf": tf, "data-z": "n", title: "" }, "·"),
  );
  entry.strip.replaceChildren(...nodes);
  entry.cells = Object.fromEntries(nodes.map((node) => [node.dataset.tf, cellOf(node)]));
}

function showLiquidity(entry, word) {
  if (entry.shown.liquidity === word) return;
  entry.shown.liquidity = word;
  entry.bars.dataset.l = LIQUIDITY.indexOf(word);
  setText(entry.slots.liquidity, word);
}

export const liquidity = (entry) => LIQUIDITY.indexOf(entry.shown.liquidity);

/** Price, change and volume of 24 hours; none where its exchange tells none. */
export function showFigure(entry, figure) {
  entry.figure = figure ?? null;
  const { price: last, change24h: change, quoteVolume24h: volume } = figure ?? {};
  const { slots } = entry;
  setText(slots.price, last == null ? NONE : price(last));
  setText(slots.change, change == null ? NONE : percent(change));
  setAttribute(slots.change, "data-d", change == null ? "" : change >= 0 ? "u" : "d");
  setText(slots.volume, volume == null ? NONE : compact(volume));
}

/** Pending until its own answer, or not any more. */
export function setPending(entry, isPending) {
  setAttribute(entry.row, "aria-busy", isPending ? "true" : null);
}

export const isPending = (entry) => entry.row.getAttribute("aria-busy") === "true";
