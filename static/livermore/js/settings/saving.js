// Saving, and what became of it where the runtime runs. Never optimistic.

import { ask } from "../api.js";
import { on } from "../live.js";
import { known } from "../runtime.js";

const PATIENCE_MS = 5_000;
const SHORT_PATIENCE_MS = 1_500; // when no runtime is there to answer
const GRACE_MS = 400; // the status knows the revision: its answer is on the way

const tagOf = (revision) => `"${revision}"`;
export const revisionOf = (headers) => Number(headers.get("ETag").replaceAll('"', ""));

/** The settings as they are stored: {settings, revision}; null where they cannot be had. */
export async function stored() {
  const answer = await ask("GET", "/api/settings");
  return answer.ok ? { settings: answer.body, revision: revisionOf(answer.headers) } : null;
}

/**
 * Save a document that was made on a revision.
 *
 * Resolves to {refused} where nothing was saved, else to {saved, applied, ms}. `applied` is the
 * runtime's word: its changes [{path, applied}], "failed" with a message, or null: not applied yet.
 */
export async function save(document, revision) {
  const began = performance.now();
  const listening = listen();
  const answer = await ask("PUT", "/api/settings", {
    body: document,
    headers: { "If-Match": tagOf(revision) },
  });
  if (!answer.ok) {
    listening.end();
    return { refused: answer };
  }
  const { body: saved } = answer;
  const applied = saved.changes.length ? await listening.until(saved.revision) : { changes: [] };
  listening.end();
  return { saved, applied, ms: performance.now() - began };
}

/** From before the save on: the answer may overtake the response to our own request. */
function listen() {
  const answers = [];
  let look = () => {};
  const ends = [
    on("answer", (message) => {
      answers.push(message);
      look();
    }),
    on("status", () => look()),
  ];
  return {
    end: () => ends.forEach((end) => end()),
    until: (revision) =>
      new Promise((resolve) => {
        let grace = null;
        look = () => {
          const answer = answers.find((message) => (message.data?.settingsRevision ?? 0) >= revision);
          if (answer) resolve({ changes: answer.data.changes ?? [] });
          const refused = answers.find(({ status, data }) => status === "failed" && data?.errors);
          if (refused) resolve({ failed: refused.message });
          if ((known.status?.settingsRevision ?? 0) >= revision) {
            grace ??= setTimeout(() => resolve({ changes: [] }), GRACE_MS);
          }
        };
        setTimeout(() => resolve(null), known.absent ? SHORT_PATIENCE_MS : PATIENCE_MS);
        look();
      }),
  };
}
