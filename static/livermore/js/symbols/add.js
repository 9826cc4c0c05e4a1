// Adding a symbol: a combobox over what the enabled exchanges list, with what each market did in
// 24 hours. What a slow exchange answers comes beneath what stands there already, so that nothing
// moves under a pointer. Enter adds the one that is marked, and before all have answered none is, but
// by whoever marks one.

import { ask } from "../api.js";
import { $, $$, clone, fill, setAttribute, setText } from "../dom.js";
import { percent, price } from "../format.js";
import { key } from "../keys.js";
import { add } from "./acts.js";
import { entryOf, showFigure, showReport } from "./row.js";
import { entry } from "./table.js";
import { compact, keyOf, labelOf } from "./words.js";

const WAIT_MS = 160; // until somebody stops typing
const TOGETHER_MS = 250; // within which the answers of all exchanges mostly come
const MOST = 8; // of each exchange
const form = $("#sy-add");
const input = $("#sy-q");
const at = $("#sy-at");
const box = $("#sy-list");
const list = $("#sy-options");
const said = $("#sy-said");

let markets = [];
let marked = -1;
let isSteered = false; // somebody has marked one themselves
let waiting = null;
let asking = null;
let sought = null; // the words that are being looked for
let listed = null; // the words that the list answers, or begins to
let found = null; // the words that it answers, on every exchange

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
  const asked = exchanges();
  const answers = new Map();
  sought = q;
  listed = found = null;
  input.setAttribute("aria-busy", "true");
  if (box.hidden) {
    list.replaceChildren();
    setText(said, "Searching…");
    box.hidden = false;
  }
  try {
    let isDue = false;
    const showSome = () => !signal.aborted && answers.size > 0 && show(asked, answers, q);
    setTimeout(() => {
      isDue = true;
      if (answers.size < asked.length) showSome();
    }, TOGETHER_MS);
    const one = async (exchange) => {
      const query = { q, exchange, limit: MOST };
      answers.set(exchange, await ask("GET", "/api/symbols/search", { query, signal }));
      if (isDue || answers.size === asked.length) showSome();
    };
    await Promise.all(asked.map(one));
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

function show(asked, answers, q) {
  const slow = asked.filter((exchange) => !answers.has(exchange));
  const told = asked.flatMap((exchange) => answers.get(exchange) ?? []); // in their order, not as they came
  if (listed !== q) {
    isSteered = false; // that was in another list
    markets = [];
    list.replaceChildren();
  }
  listed = q;
  const best = mixed(told);
  for (const market of best.filter((one) => !markets.includes(one))) {
    list.append(option(market, markets.length));
    markets.push(market);
  }
  const notes = told.map(({ ok, body, message }) => (ok ? body.note : message)).filter(Boolean);
  if (slow.length) notes.push(`Still asking ${slow.map(labelOf).join(" and ")}…`);
  else {
    sought = null;
    found = q;
    if (!markets.length && !notes.length) {
      notes.push(`Nothing on ${asked.map(labelOf).join(" or ")} fits “${q}”.`);
    }
  }
  setText(said, notes.join(" "));
  box.hidden = false;
  input.setAttribute("aria-expanded", String(markets.length > 0));
  if (!isSteered) mark(slow.length ? -1 : markets.indexOf(best.find(canAdd)));
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
  sought = listed = found = null;
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

function steerTo(index) {
  isSteered = true;
  mark((index + markets.length) % markets.length);
}

function steer(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    if (box.hidden) search();
    else if (markets.length) steerTo(marked < 0 && step < 0 ? markets.length - 1 : marked + step);
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
  const isAnswered = found === q || (listed === q && isSteered);
  if (isAnswered && marked >= 0) choose(marked);
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
