// Alerts as the HTTP API tells them, as many pages of them as it takes.

import { ask } from "./api.js";

const AT_ONCE = 200; // the server gives no more

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
