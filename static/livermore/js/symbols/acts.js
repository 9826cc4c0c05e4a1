// Changes of the watchlist: each is one request, answered when the runtime has applied it.
// Nothing is shown as done before: the rows are pending until the answer, and then as it says.

import { ask, notDone } from "../api.js";
import { took } from "../format.js";
import { toast } from "../toast.js";
import { isPending, setPending } from "./row.js";
import { entry, refresh } from "./table.js";

const path = ({ exchange, symbol }) =>
  `/api/symbols/${encodeURIComponent(exchange)}/${encodeURIComponent(symbol)}`;
const marketOf = ({ exchange, symbol }) => ({ exchange, symbol });

/**
 * Make one change of rows, and show what became of it.
 *
 * @param {object[]} entries The rows that are pending meanwhile; rows that are already are refused.
 * @param {string} done What to say when it is done.
 * @param {Function} request Asks; resolves as `ask` does.
 */
export async function change(entries, done, request) {
  if (entries.some(isPending)) return null;
  for (const one of entries) setPending(one, true);
  const began = performance.now();
  const answer = await request();
  const ms = performance.now() - began;
  await refresh();
  for (const one of entries) setPending(one, false);
  tell(answer, done, ms, named(entries));
  return answer;
}

export function tell(answer, done, ms, what) {
  const { ok, body, message, errors } = answer;
  if (!ok) {
    const reasons = errors.map(({ detail }) => detail).join("; ");
    const text = reasons ? `${what}: ${reasons}.` : message;
    toast(notDone(answer, "Refused: nothing was changed"), text, { glyph: "faulted", stays: true });
    return;
  }
  const text = [body.message, body.note, took(ms)].filter(Boolean).join(" · ");
  if (body.applied === false) toast("Saved, not applied yet", text, { glyph: "recorded", stays: true });
  else toast(done, text);
}

const named = (entries) =>
  entries.length === 1 ? entries[0].report.symbol : `${entries.length} symbols`;

const bulk = (action, entries, more = {}) =>
  ask("POST", "/api/symbols/bulk", {
    body: { action, symbols: entries.map(({ report }) => marketOf(report)), ...more },
  });

export function toggle(one) {
  const enabled = !one.report.enabled;
  const done = `${one.report.symbol} ${enabled ? "enabled" : "disabled"}`;
  return change([one], done, () => ask("PATCH", path(one.report), { body: { enabled } }));
}

export const enable = (entries) =>
  change(entries, `${named(entries)} enabled`, () => bulk("enable", entries));

export const disable = (entries) =>
  change(entries, `${named(entries)} disabled`, () => bulk("disable", entries));

export const remove = (entries) =>
  change(entries, `${named(entries)} removed`, () => bulk("remove", entries));

export const categorise = (entries, categories, tagging) =>
  change(entries, `${named(entries)} tagged`, () =>
    bulk("categorise", entries, { categories, tagging }),
  );

/** Change one row: its categories, its place in the list. */
export const alter = (one, wanted, done) =>
  change([one], done, () => ask("PATCH", path(one.report), { body: wanted }));

export async function move(one, position) {
  await alter(one, { position }, `${one.report.symbol} moved`);
  entry(one.key)?.grip.focus();
}

export const add = (market, pending) =>
  change([pending], `${market.symbol} added`, () =>
    ask("POST", "/api/symbols", { body: marketOf(market) }),
  );

/** Ask for the history again: one command for each symbol, sent together. */
export async function backfill(entries) {
  if (entries.some(isPending)) return;
  for (const one of entries) setPending(one, true);
  const began = performance.now();
  const answer = await ask("POST", "/api/control/commands", {
    body: entries.map(({ report }) => ({ command: "force-backfill", payload: marketOf(report) })),
  });
  for (const one of entries) setPending(one, false);
  const told = answer.ok ? answer.body : [];
  const failed = told.filter((one) => one.status >= 400 || one.result?.success === false);
  const reasons = failed.map((one) => one.detail ?? one.result.message);
  if (!answer.ok || failed.length) {
    const text = [answer.message, ...new Set(reasons)].filter(Boolean).join("; ");
    toast(`Backfill: ${failed.length || entries.length} refused`, text, { glyph: "faulted", stays: true });
    return;
  }
  const taken = told.filter((one) => one.ack || one.result).length;
  const text = took(performance.now() - began);
  if (taken < told.length) toast("Sent, and taken by no runtime yet", text, { glyph: "stale", stays: true });
  else toast(`Backfill of ${named(entries)} begun`, `Progress stands in the rows · ${text}`);
}
