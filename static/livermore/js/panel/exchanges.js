// The exchanges' links. Rows are made once and updated in place.

import { $, clone, fill, setAttribute, setIcon, svg } from "../dom.js";
import { count, plural, roundTrip, short } from "../format.js";

const LOOK = {
  connected: ["ok", "running", "Connected"],
  connecting: ["warn", "reload", "Connecting"],
  stale: ["warn", "stale", "Silent"],
  unreachable: ["bad", "faulted", "Unreachable"],
  off: ["off", "offline", "Off"],
};
const NAMES = 6; // so many symbols are named, the others counted
const WIDTH = 76;
const HEIGHT = 24;

const root = $("#cp-exchanges");
const empty = $(".lv-empty", root);
const lines = new WeakMap(); // row -> the latencies that its line was drawn of

export function showExchanges({ exchanges, symbols }, isCurrent) {
  const names = new Set(exchanges.map((exchange) => exchange.name));
  for (const row of root.querySelectorAll("[data-name]")) {
    if (!names.has(row.dataset.name)) row.remove();
  }
  const mending = symbols.filter((symbol) => symbol.mending);
  for (const exchange of exchanges) {
    const theirs = mending.filter((symbol) => symbol.exchange === exchange.name);
    update(rowOf(exchange), exchange, theirs, isCurrent);
  }
  empty.hidden = exchanges.length > 0;
}

function rowOf({ name }) {
  const row = root.querySelector(`[data-name="${CSS.escape(name)}"]`);
  if (row) return row;
  const made = clone("cp-exchange");
  made.dataset.name = name;
  root.append(made);
  return made;
}

function update(row, exchange, mending, isCurrent) {
  const [tone, glyph, word] = LOOK[exchange.state] ?? ["off", "unknown", exchange.state];
  const isOn = exchange.state !== "off";
  fill(row, {
    label: exchange.label,
    word: isCurrent ? word : `was ${word.toLowerCase()}`,
    latency: isOn && exchange.latencyMs != null ? roundTrip(exchange.latencyMs) : "",
    facts: isOn ? facts(exchange, mending) : "",
  });
  const state = $(".lv-st", row);
  setAttribute(state, "data-s", isCurrent ? tone : "off");
  setIcon(state, isCurrent ? glyph : "stale");
  const drawn = exchange.latency.join();
  if (lines.get(row) === drawn) return;
  lines.set(row, drawn);
  $("[data-slot=line]", row).replaceChildren(...sparkline(exchange));
}

function facts(exchange, mending) {
  const { subscriptions, reconnects, staleSymbols, detail } = exchange;
  return [
    detail,
    plural(subscriptions, "subscription"),
    reconnects ? plural(reconnects, "reconnect") : "",
    staleSymbols.length ? `stale: ${named(staleSymbols)}` : "",
    mending.length ? `mending: ${named(mending.map(({ symbol }) => symbol))}` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

function named(symbols) {
  const names = symbols.slice(0, NAMES).map(short).join(", ");
  const others = symbols.length - NAMES;
  return others > 0 ? `${names} and ${others} more` : names;
}

function sparkline({ label, latency }) {
  if (latency.length < 2) return [];
  const top = Math.max(...latency) * 1.1 || 1;
  const points = latency.map((value, index) => [
    ((index / (latency.length - 1)) * (WIDTH - 6) + 2).toFixed(1),
    (HEIGHT - 2 - (value / top) * (HEIGHT - 5)).toFixed(1),
  ]);
  const line = points.map(([x, y], index) => `${index ? "L" : "M"}${x} ${y}`).join("");
  const [lastX, lastY] = points.at(-1);
  const range = [Math.min(...latency), Math.max(...latency)].map(Math.round).map(count);
  const image = svg(
    "svg",
    {
      class: "cp-spark",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "aria-label": `Latency of ${label}: ${range.join(" to ")} ms`,
    },
    svg("path", { class: "cp-area", d: `${line}L${lastX} ${HEIGHT}L2 ${HEIGHT}Z` }),
    svg("path", { d: line }),
    svg("circle", { cx: lastX, cy: lastY, r: 2.2 }),
  );
  return [image];
}
