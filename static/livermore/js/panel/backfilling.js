// Ordering a backfill, and how far those that were ordered have got.

import { $, $$, clone, fill, setAttribute, setIcon, setText } from "../dom.js";
import { age, count, elsewhere, plural, short } from "../format.js";
import { asked, hindrance, markets, say } from "./asking.js";

const MOST = 20; // symbols at once

// ── ordering ───────────────────────────────────────────────────────────────

const dialog = $("#cp-backfill-dialog");
const go = $("#cp-backfill-go");
const list = $("#cp-backfill-symbols");
const filter = $("#cp-backfill-filter");
const why = $("#cp-backfill-hindrance");
const timeframes = $$("input[name=timeframe]", dialog);

/** The payloads that are chosen and confirmed, one for each symbol; none where nothing is. */
export async function askBackfill() {
  filter.value = "";
  list.replaceChildren(...markets().map(choiceOf));
  for (const choice of timeframes) choice.checked = true;
  show();
  return (await asked(dialog)) ? payloads() : [];
}

function choiceOf({ key, name, at, live }) {
  const node = fill(clone("cp-backfill-choice"), {
    symbol: name,
    exchange: [at, live === "stale" ? "stale" : ""].filter(Boolean).join(", "),
  });
  $("input", node).value = key;
  return node;
}

const chosen = (choices) => choices.filter((choice) => choice.checked).map(({ value }) => value);
const symbols = () => chosen($$("input", list));

function payloads() {
  const wanted = chosen(timeframes);
  const limits = wanted.length < timeframes.length ? { timeframes: wanted } : {};
  return symbols().map((key) => {
    const [exchange, symbol] = key.split(":");
    return { symbol, exchange, ...limits };
  });
}

function show() {
  const number = symbols().length;
  const isTooMany = number > MOST;
  say(why, hindrance() || (isTooMany ? `At most ${MOST} symbols at once.` : ""));
  go.disabled = number === 0 || chosen(timeframes).length === 0 || !why.hidden;
  setText(go, number ? `Backfill ${plural(number, "symbol")}` : "Backfill");
}

function narrow() {
  const wanted = filter.value.trim().toUpperCase();
  for (const label of list.children) {
    const input = $("input", label);
    label.hidden = !input.checked && !input.value.toUpperCase().includes(wanted);
  }
}

dialog.addEventListener("change", show);
filter.addEventListener("input", narrow);
filter.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault(); // picks the first that is shown, and closes nothing
  const first = $$("label:not([hidden]) input", list).find((input) => !input.checked);
  if (first) first.click();
});

// ── how far they are ───────────────────────────────────────────────────────

const LOOK = {
  waiting: ["off", "stale", "Waiting"],
  running: ["off", "download", "Reading"],
  done: ["ok", "ok", "Done"],
  failed: ["bad", "x", "Failed"],
  cancelled: ["warn", "offline", "Cancelled"],
};
const OPEN = new Set(["waiting", "running"]);

const card = $("#cp-fill");
const rows = $("#cp-fills");
const shown = new Map(); // id -> row

/** Bring the card in line with a status; rows are kept and moved along. */
export function showBackfills(backfills) {
  card.hidden = backfills.length === 0;
  const wanted = new Set(backfills.map(({ id }) => id));
  for (const row of [...rows.children]) {
    if (wanted.has(row.dataset.id)) shown.set(row.dataset.id, row);
    else row.remove();
  }
  for (const id of [...shown.keys()]) if (!wanted.has(id)) shown.delete(id);
  backfills.forEach((backfill, index) => {
    const row = rowOf(backfill.id);
    if (rows.children[index] !== row) rows.insertBefore(row, rows.children[index] ?? null);
    update(row, backfill);
  });
  const open = backfills.filter(({ state }) => OPEN.has(state)).length;
  fill(card, { summary: open ? `${open} under way` : "" });
}

function rowOf(id) {
  if (!shown.has(id)) {
    const row = clone("cp-fill-row");
    row.dataset.id = id;
    shown.set(id, row);
  }
  return shown.get(id);
}

function update(row, backfill) {
  const { state, done, total, etaMs, message } = backfill;
  const [tone, glyph, word] = LOOK[state] ?? ["off", "unknown", state];
  const reason = state === "done" ? "" : message; // how many it were stands there already
  const left = state === "running" && etaMs ? ` · ${age(etaMs)} left` : "";
  fill(row, {
    symbol: short(backfill.symbol),
    timeframes: [elsewhere(backfill), ...backfill.timeframes].filter(Boolean).join(" "),
    word,
    figures: total ? `${count(done)} of ${count(total)}${left}` : "",
    message: reason,
  });
  setAttribute($(".lv-st", row), "data-s", tone);
  setIcon(row, glyph);
  $("[data-slot=message]", row).hidden = !reason;
  const bar = $("progress", row);
  setAttribute(bar, "max", total || 1);
  setAttribute(bar, "value", done);
  setAttribute(bar, "aria-label", `History of ${backfill.symbol}`);
  bar.hidden = state === "failed" || state === "cancelled";
}
