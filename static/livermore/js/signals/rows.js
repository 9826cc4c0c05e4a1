// The rows of the list: made and kept current from what the HTTP API tells of an alert.
// The server writes them alike (`signal_rows.py`).

import { $, boot, clone, fill, setAttribute, setText } from "../dom.js";
import { moment, signed, typeset, zone } from "../format.js";
import { showState } from "../marks.js";

export const MOST = 300; // rows

const CHANNELS = { discord: "Discord", email: "E-mail", push: "Push" };
const NOT_KNOWN_TO_BE_THERE = ["failed", "uncertain"];

const list = $("#sg-rows");

export const rowOf = (id) => $(`tr[data-alert="${Number(id)}"]`, list);

/** The ids of all that is listed. */
export const listed = () => [...list.children].map(({ dataset }) => Number(dataset.alert));

/** A fresh row of an alert. */
export function made(alert) {
  const row = clone("sg-row");
  const isSignal = alert.kind !== "system";
  row.dataset.alert = alert.id;
  const at = Date.parse(alert.candleClosedAt ?? alert.createdAt);
  fill(row, {
    at: moment(at),
    symbol: isSignal ? alert.symbol : "Livermore",
    exchange: alert.exchange,
    timeframe: alert.timeframe,
    way: { up: "▲", down: "▼" }[alert.direction],
    what: isSignal ? `${alert.kind.replaceAll("-", " ")} ${typeset(alert.detail)}` : alert.detail,
    value: alert.macdV === undefined ? "" : signed(alert.macdV),
    rsi: alert.rsi?.toFixed(1),
    stage: alert.stage,
  });
  setAttribute($("[data-slot=way]", row), "data-d", alert.direction ?? "");
  setAttribute($("[data-slot=value]", row), "data-z", alert.macdV === undefined ? "" : zone(alert.macdV));
  $("[data-slot=severity]", row).hidden = alert.severity !== "urgent";
  $("[data-act=mute]", row).hidden = !isSignal;
  address($("[data-slot=symbol]", row), alert, at);
  about(row, alert);
  return bring(row, alert);
}

function about(row, { symbol = "", exchange = "", kind }) {
  Object.assign(row.dataset, { symbol, exchange, kind });
}

/** Where a row leads: a signal to its chart, what tells of a scan to that, all else to its page. */
function address(link, { id, kind, symbol, exchange, timeframe, scan }, at) {
  const { symbols, alerts } = boot();
  if (kind !== "system") {
    const query = new URLSearchParams({ exchange, symbol, timeframe, at });
    link.href = `${link.getAttribute("href")}?${query}`;
  } else if (scan !== undefined) {
    link.href = `${symbols}?${new URLSearchParams({ scan })}#scan`;
  } else {
    link.href = `${alerts}${Number(id)}/change/`;
  }
}

/** What moves of a row: its state, what its ways say, and what can be done. */
export function bring(row, { state, deliveries, acknowledgedAt }) {
  showState($("[data-mark]", row), state);
  setText($("[data-slot=note]", row), deliveries.map(note).join(" · "));
  const mayRetry = deliveries.some((one) => NOT_KNOWN_TO_BE_THERE.includes(one.state));
  $("[data-act=retry]", row).hidden = !mayRetry;
  const isSeen = acknowledgedAt !== undefined;
  $("[data-act=seen]", row).hidden = isSeen;
  $("[data-slot=seen]", row).hidden = !isSeen;
  row.dataset.seen = isSeen ? "yes" : "no";
  return row;
}

function note({ channel, reason, attempts }) {
  const name = CHANNELS[channel] ?? channel;
  if (!reason) return name;
  return `${name}: ${reason}${attempts > 1 ? ` (${attempts} attempts)` : ""}`;
}

/** New rows on top, newest first. */
export function prepend(alerts) {
  const rows = alerts.filter(({ id }) => !rowOf(id)).map(made);
  for (const row of rows) row.classList.add("sg-fresh");
  list.prepend(...rows);
  trim();
  $("#sg-list").hidden = false;
  $("#sg-foot").hidden = false;
  $("#sg-none").hidden = true;
  return rows;
}

/** A page that is open all day does not grow for ever: what leaves it is a page further on. */
function trim() {
  const older = $("#sg-older");
  if (list.children.length <= MOST) return;
  while (list.children.length > MOST) list.lastElementChild.remove();
  const address = new URL(location.href);
  address.searchParams.set("before", list.lastElementChild.dataset.alert);
  older.href = address.search;
  older.hidden = false;
}

/** What a row is about, for words and for a mute. */
export const namesOf = ({ dataset }) => ({
  symbol: dataset.symbol ?? "",
  exchange: dataset.exchange ?? "",
  kind: dataset.kind ?? "",
});
