// Clearing the cache: how many keys that would touch is counted by the server, for each scope, and
// stands on the button that does it.

import { ask } from "../api.js";
import { $, $$, el, setText } from "../dom.js";
import { plural } from "../format.js";
import { asked, hindrance, markets, say } from "./asking.js";

const dialog = $("#cp-clear-dialog");
const go = $("#cp-clear-go");
const why = $("#cp-clear-hindrance");
const market = $("#cp-clear-market");
const timeframe = $("#cp-clear-timeframe");
const scopes = new Map(
  $$("input[name=scope]", dialog).map((choice) => [
    choice.value,
    { choice, node: $("[data-count]", choice.closest("label")), told: null, asked: 0 },
  ]),
);

/** The payload that is chosen and confirmed, or null. */
export async function askClear() {
  const before = market.value;
  const list = markets();
  market.replaceChildren(
    ...list.map(({ key, name, at }) => el("option", { value: key }, [name, at].filter(Boolean).join(" "))),
  );
  const stale = list.find(({ live }) => live === "stale");
  market.value = list.some(({ key }) => key === before) ? before : (stale ?? list[0])?.key ?? "";
  scopes.get("symbol").choice.disabled = list.length === 0;
  scopes.get(list.length ? "symbol" : "all").choice.checked = true;
  for (const scope of scopes.keys()) count(scope);
  return (await asked(dialog)) ? payloadOf(picked()) : null;
}

const picked = () => [...scopes].find(([, { choice }]) => choice.checked)[0];

function payloadOf(scope) {
  if (scope === "all") return { scope };
  if (scope === "timeframe") return { scope, timeframe: timeframe.value };
  const [exchange, symbol] = market.value.split(":");
  return { scope, symbol, exchange };
}

async function count(scope) {
  const entry = scopes.get(scope);
  const serial = ++entry.asked;
  entry.told = null;
  show();
  if (scope === "symbol" && !market.value) return;
  const answer = await ask("GET", "/api/control/cache", { query: payloadOf(scope) });
  if (serial !== entry.asked) return; // something else was chosen meanwhile
  entry.told = answer.ok ? answer.body : { keys: null, refusal: answer.message };
  show();
}

function show() {
  for (const { node, told, choice } of scopes.values()) {
    const text = told?.keys == null ? "–" : plural(told.keys, "key");
    setText(node, told === null && !choice.disabled ? "…" : text);
  }
  const { told } = scopes.get(picked());
  const keys = told?.keys;
  say(why, told?.refusal ?? (keys === 0 ? "Nothing is kept." : told ? awayNow() : ""));
  go.disabled = !keys || Boolean(told?.refusal);
  setText(go, keys ? `Clear ${plural(keys, "key")}` : "Clear");
}

/** A pause or an absent runtime only matters for candles; the count says so itself. */
const awayNow = () => (picked() === "all" ? "" : hindrance());

for (const { choice } of scopes.values()) choice.addEventListener("change", show);
for (const [select, scope] of [[market, "symbol"], [timeframe, "timeframe"]]) {
  select.addEventListener("change", () => {
    scopes.get(scope).choice.checked = true;
    count(scope);
  });
}
