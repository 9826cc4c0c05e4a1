// What the chart says in words and figures: of the bar under the crosshair, else of the newest.

import { $, $$, fill, setAttribute, setText } from "../dom.js";
import { now } from "../clock.js";
import { amount, price, signed, zone } from "../format.js";
import { inWords } from "./marks.js";
import { span } from "./times.js";

const box = $("#ch-box");
const LATE_MS = 60_000; // behind its end a candle is told as closed within seconds
const figure = (value, digits = 1) => (value == null ? "–" : signed(value, digits));

/**
 * Show a bar in the legends of the panes. One that still forms has no indicators: those of
 * `closed`, the one before it, are shown.
 */
export function showBar(bar, step, signals, closed) {
  if (!bar) return;
  const known = bar.forming ? (closed ?? bar) : bar;
  fill(box, {
    time: span(bar.time, step),
    prices: pricesOf(bar),
    volume: `V ${amount(bar.volume)}`,
    flag: flagOf(bar, step),
    told: inWords(signals),
    v: figure(known.v),
    s: `signal ${figure(known.s)}`,
    h: `histogram ${figure(known.h)}`,
    stage: known.stage,
    rsi: known.rsi == null ? "–" : known.rsi.toFixed(1),
  });
}

/** Say a bar to who does not see it. */
export function sayBar(bar, step, signals) {
  const values =
    bar.v == null
      ? "no indicators yet"
      : `MACD-V ${figure(bar.v)}, signal ${figure(bar.s)}, histogram ${figure(bar.h)}, RSI ${bar.rsi?.toFixed(1) ?? "none"}, ${bar.stage}`;
  const told = inWords(signals);
  const text = `${span(bar.time, step)}: ${pricesOf(bar)} ${flagOf(bar, step)}. ${values}. ${told}`;
  setText($("#ch-read"), text);
}

const pricesOf = ({ open, high, low, close }) =>
  // A letter stays with its price where the line is too short for all four.
  [["O", open], ["H", high], ["L", low], ["C", close]]
    .map(([letter, value]) => `${letter}\u00a0${price(value)}`)
    .join(" ");

function flagOf({ time, synthetic, forming }, step) {
  if (forming) return now() > (time + step) * 1_000 + LATE_MS ? "not told to its end" : "still forming";
  return synthetic ? "no trade: the close before it" : "";
}

/** The newest figures in the head, where it has room for them. */
export function showNow(bar, last) {
  for (const node of $$("[data-now]")) {
    const name = node.dataset.now;
    if (name === "close") setText(node, price(last.close));
    else if (name === "rsi") setText(node, bar.rsi?.toFixed(1) ?? "–");
    else if (name === "stage") setText(node, bar.stage ?? "warming up");
    else {
      setText(node, bar.v == null ? "·" : signed(bar.v));
      setAttribute(node, "data-z", zone(bar.v));
    }
  }
}

/** What the server says of the candles it keeps: that they are old, or that some are missing. */
export function showNote(text) {
  const box = $("#ch-note");
  fill(box, { note: text });
  box.hidden = text === "";
}

/** What keeps the chart from being current; nothing, where nothing does. */
export function showTrouble(text) {
  const box = $("#ch-trouble");
  fill(box, { trouble: text });
  box.hidden = text === "";
}
