// What is held, and how reading it goes. Rows are made once and updated in place.

import { $, $$, clone, el, fill, setAttribute, setIcon } from "../dom.js";
import { age, amount, percent, price, short } from "../format.js";

const OLD_MS = 180_000; // a price that much older than the status is said to be
const NONE = "–";
const LOOK = {
  read: ["ok", "ok", "Read"],
  failed: ["bad", "x", "Cannot be read"],
  waiting: ["off", "stale", "Not read yet"],
};

const card = $("#cp-held");
const rows = $("#cp-positions");
const readings = $("#cp-readings");

const keyOf = ({ exchange, symbol }) => `${exchange}:${symbol}`;

/** Bring the card in line with a status. An older worker tells of no positions: the server's stay. */
export function showPositions({ held, positions = [] }, at) {
  if (!held) return;
  card.hidden = held.length + positions.length === 0;
  $(".lv-scroll", card).hidden = held.length === 0;
  $("#cp-held-none").hidden = held.length > 0;
  const shown = rowsOf(rows, "key", held.map(keyOf), "cp-position");
  held.forEach((position, index) => showPosition(shown[index], position, at));
  const exchanges = positions.map(({ exchange }) => exchange);
  const told = rowsOf(readings, "exchange", exchanges, "cp-reading");
  positions.forEach((reading, index) => showReading(told[index], reading, at));
}

/** The rows of these names in their order; the list has them and no others. */
function rowsOf(list, name, wanted, template) {
  const known = new Map([...list.children].map((row) => [row.dataset[name], row]));
  const made = wanted.map((key) => {
    const row = known.get(key) ?? clone(template);
    row.dataset[name] = key;
    return row;
  });
  if ([...known.keys()].join() !== wanted.join()) list.replaceChildren(...made);
  return made;
}

function showPosition(row, position, at) {
  const { symbol, quantity, costBasis, byHand, pricedAt, value, gain } = position;
  const isOld = pricedAt != null && at - pricedAt > OLD_MS;
  const notes = [byHand ? "by hand" : "", isOld ? `price of ${age(at - pricedAt)} ago` : ""];
  fill(row, {
    symbol: short(symbol),
    note: notes.filter(Boolean).join(", "),
    quantity: amount(quantity),
    cost: costBasis == null ? NONE : price(costBasis),
    price: position.price == null ? NONE : price(position.price),
    value: value == null ? NONE : price(value),
    gain: gain == null ? NONE : percent(gain),
  });
  setAttribute($("th", row), "title", symbol);
  setAttribute($(".cp-gain", row), "data-d", gain == null ? "" : gain >= 0 ? "u" : "d");
}

function showReading(row, reading, at) {
  const [tone, glyph, word] = LOOK[reading.state];
  fill(row, {
    label: reading.label,
    word,
    when: whenOf(reading, at),
    error: reading.error,
  });
  setAttribute($(".lv-st", row), "data-s", tone);
  setIcon(row, glyph);
  $("[data-slot=error]", row).hidden = !reading.error;
  $("[data-slot=advice]", row).hidden = !reading.needsYou;
  const list = $("[data-slot=notes]", row);
  const notes = reading.notes ?? [];
  list.hidden = notes.length === 0;
  if ($$("li", list).map((note) => note.textContent).join("\n") !== notes.join("\n")) {
    list.replaceChildren(...notes.map((note) => el("li", {}, note)));
  }
}

function whenOf({ state, readAt, nextAt, failingSince }, at) {
  const isFailed = state === "failed";
  const parts = [
    isFailed && failingSince ? `for ${age(at - failingSince)}` : "",
    readAt ? `${isFailed ? "as of " : ""}${age(at - readAt)} ago` : "",
    nextAt && nextAt > at ? `again in ${age(nextAt - at)}` : "",
  ];
  return parts.filter(Boolean).join(" · ");
}
