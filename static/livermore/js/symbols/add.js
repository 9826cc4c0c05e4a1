// Adding a symbol: a combobox over what the enabled exchanges list, with what each market did in
// 24 hours. Enter adds the one that is marked.

import { ask } from "../api.js";
import { $, $$, clone, fill, setAttribute, setText } from "../dom.js";
import { percent, price } from "../format.js";
import { key } from "../keys.js";
import { add } from "./acts.js";
import { entryOf, showFigure, showReport } from "./row.js";
import { entry } from "./table.js";
import { compact, keyOf, labelOf } from "./words.js";

const WAIT_MS = 160; // until somebody stops typing
const MOST = 8; // of each exchange
const form = $("#sy-add");
const input = $("#sy-q");
const at = $("#sy-at");
const box = $("#sy-list");
const list = $("#sy-options");
const said = $("#sy-said");

let markets = [];
let marked = -1;
let waiting = null;
let asking = null;
let sought = null; // the words that are being looked for
let found = null; // the words that the list answers

const exchanges = () => {
  const all = [...at.options].map(({ value }) => value).filter(Boolean);
  return at.value ? [at.value] : all;
};
const canAdd = ({ onWatchlist, streamable }) => !onWatchlist && streamable;

async function search() {
  asking?.abort();
  const q = input.value.trim();
  if (!q) {
    close();
    return;
  }
  asking = new AbortController();
  const { signal } = asking;
  sought = q;
  found = null;
  input.setAttribute("aria-busy", "true");
  if (box.hidden) {
    list.replaceChildren();
    setText(said, "Searching…");
    box.hidden = false;
  }
  try {
    const answers = await Promise.all(
      exchanges().map((exchange) =>
        ask("GET", "/api/symbols/search", { query: { q, exchange, limit: MOST }, signal }),
      ),
    );
    show(answers, q);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    return;
  }
  input.removeAttribute("aria-busy");
}

/** The best of each exchange, then the second of each, and so on. */
function mixed(answers) {
  const lists = answers.filter(({ ok }) => ok).map(({ body }) => body.markets);
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, rank) => lists.flatMap((one) => one[rank] ?? [])).flat();
}

function show(answers, q) {
  sought = null;
  found = q;
  markets = mixed(answers);
  const notes = answers.map(({ ok, body, message }) => (ok ? body.note : message)).filter(Boolean);
  if (!markets.length && !notes.length) {
    notes.push(`Nothing on ${exchanges().map(labelOf).join(" or ")} fits “${q}”.`);
  }
  setText(said, notes.join(" "));
  list.replaceChildren(...markets.map(option));
  box.hidden = false;
  input.setAttribute("aria-expanded", String(markets.length > 0));
  mark(markets.findIndex(canAdd));
}

function option(market, index) {
  const { symbol, exchange, name, price: last, change24h: change, quoteVolume24h: volume } = market;
  const node = fill(clone("sy-option"), {
    symbol,
    exchange: [labelOf(exchange), name].filter(Boolean).join(" · "),
    price: last == null ? "–" : price(last),
    change: change == null ? "" : percent(change),
    volume: volume == null ? "" : `${compact(volume)} ${market.quote}`,
  });
  node.id = `sy-option-${index}`;
  setAttribute($(".sy-change", node), "data-d", change == null ? "" : change >= 0 ? "u" : "d");
  setAttribute(node, "aria-disabled", canAdd(market) ? null : "true");
  node.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  node.addEventListener("click", () => choose(index));
  return node;
}

function doing(market, isMarked) {
  if (market.onWatchlist) return "on list";
  if (!market.streamable) return market.status ?? market.kind;
  return isMarked ? "Add ↵" : "";
}

function mark(index) {
  marked = index;
  $$("li", list).forEach((node, place) => {
    node.setAttribute("aria-selected", String(place === index));
    fill(node, { do: doing(markets[place], place === index) });
    if (place === index) node.scrollIntoView({ block: "nearest" });
  });
  setAttribute(input, "aria-activedescendant", index < 0 ? null : `sy-option-${index}`);
}

function close() {
  clearTimeout(waiting);
  asking?.abort();
  box.hidden = true;
  sought = found = null;
  markets = [];
  marked = -1;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
  input.removeAttribute("aria-busy");
}

async function choose(index) {
  const market = markets[index];
  if (!market || !canAdd(market)) return;
  input.value = "";
  close();
  const pending = placeholder(market);
  await add(market, pending);
  pending.row.remove();
  const added = entry(keyOf(market));
  if (added) showFigure(added, market); // what was shown before adding
}

/** A row that is asked for, and is not there yet. */
function placeholder({ exchange, symbol }) {
  const report = { exchange, symbol, row: null, state: "adding", categories: [], timeframes: {} };
  const one = entryOf(report);
  showReport(one, report, [], false);
  $("[data-add]", one.row).remove();
  $("#sy-rows").append(one.row);
  for (const id of ["sy-scroll", "sy-legend"]) document.getElementById(id).hidden = false;
  $("#sy-empty").hidden = true;
  one.row.scrollIntoView({ block: "nearest" });
  return one;
}

function typed() {
  clearTimeout(waiting);
  waiting = setTimeout(search, WAIT_MS);
}

function steer(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    if (box.hidden) search();
    else if (markets.length) mark((marked + step + markets.length) % markets.length);
  } else if (event.key === "Escape" && (!box.hidden || input.value)) {
    event.preventDefault();
    if (box.hidden) input.value = "";
    close();
  }
}

/** Enter: the marked market, if the list answers what is typed by now; else that is looked for first. */
function submit(event) {
  event.preventDefault();
  clearTimeout(waiting);
  const q = input.value.trim();
  if (found === q && marked >= 0) choose(marked);
  else if (sought !== q) search();
}

export function listen() {
  setAttribute(input, "role", "combobox");
  setAttribute(input, "aria-expanded", "false");
  setAttribute(input, "aria-controls", "sy-options");
  setAttribute(input, "aria-autocomplete", "list");
  const everywhere = [...at.options].find(({ value }) => !value);
  if (everywhere) {
    everywhere.hidden = false;
    at.value = "";
  }
  input.addEventListener("input", typed);
  input.addEventListener("keydown", steer);
  input.addEventListener("focusout", close);
  at.addEventListener("change", () => input.value && search());
  form.addEventListener("submit", submit);
  key("a", "Add a symbol", () => input.focus());
}
