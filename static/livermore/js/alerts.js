// Alerts as the HTTP API tells them, as many pages of them as it takes.

import { ask } from "./api.js";

const AT_ONCE = 200; // the server gives no more
const FEW = 5; // so few are asked for by themselves
const PAGES = 2; // so far others are looked for among their neighbours
const PAGE = 50;
const MOVES = ["state", "acknowledged"]; // by these an alert leaves the query that it was found by

/**
 * The newest alerts of a query, newest first, down to an id: every one above it that there is, and
 * what came with them. Where more than `most` are above it, no more than that is certain. Null
 * where the server did not answer: a part would look like the whole.
 *
 * @param {number} options.first How many are asked for at first; mostly no more is needed.
 */
export async function alertsDownTo(id, { query, first, most }) {
  const found = [];
  let limit = first;
  let before; // of the page that is asked for
  do {
    const { ok, body } = await ask("GET", `/api/alerts?${query}`, { query: { limit, before } });
    if (!ok) return null;
    found.push(...body.alerts);
    before = body.next ?? 0;
    limit = AT_ONCE;
  } while (before > id && found.length <= most);
  return found;
}

/** Alerts of a query by their ids, as they are now: also those that it would no longer find. */
export async function alertsOf(ids, { query }) {
  const wanted = new Set(ids);
  const found = wanted.size > FEW ? await neighbours(wanted, query) : [];
  if (!found) return [];
  for (const { id } of found) wanted.delete(id);
  const answers = await Promise.all([...wanted].map((id) => ask("GET", `/api/alerts/${id}`)));
  return [...found, ...answers.filter(({ ok }) => ok).map(({ body }) => body)];
}

/** Those of the wanted that stand close together, a page or two of them; null without an answer. */
async function neighbours(wanted, query) {
  const lasting = new URLSearchParams(query);
  for (const name of MOVES) lasting.delete(name);
  const limit = Math.min(AT_ONCE, Math.max(PAGE, wanted.size));
  const lowest = Math.min(...wanted);
  const found = [];
  let before = Math.max(...wanted) + 1;
  for (let page = 0; page < PAGES && before > lowest; page += 1) {
    const { ok, body } = await ask("GET", `/api/alerts?${lasting}`, { query: { limit, before } });
    if (!ok) return null;
    found.push(...body.alerts.filter(({ id }) => wanted.has(id)));
    before = body.next ?? 0;
  }
  return found;
}
