// What the server says of the document while it is edited. It alone judges.
// Rule 1: an answer counts only for the document that was sent; a newer one makes it void.
// Rule 2: what looks like a secret is taken out of the document at once, so that it is in no field,
//   no text and no draft. What was said of it stays until something else is typed.

import { ask } from "../api.js";
import { get, put } from "./document.js";

const PAUSE_MS = 250;

/** onTrouble takes the reason why nothing can be checked, or null. */
export function checkAlways(store, onTrouble) {
  let timer = null;
  let remembered = []; // what was said of secrets that are not there any more

  async function check() {
    clearTimeout(timer);
    const { document } = store;
    const answer = await ask("POST", "/api/settings/validate", { body: document, changes: false });
    if (answer.ok) store.heardOf(answer.body.revision);
    if (store.document !== document) return;
    const found = answer.ok ? answer.body.errors : answer.errors;
    onTrouble(answer.ok || found.length ? null : answer.message);
    const secrets = found.filter(({ secret }) => secret);
    if (secrets.length) {
      remembered = secrets.map((error) => ({ ...error, isPast: true }));
      const places = secrets.map(({ pointer }) => pointer);
      store.change(places.reduce((made, place) => without(made, store.base, place), document), "secret");
      return;
    }
    const isCurrent = answer.ok && answer.body.valid && answer.body.revision === store.revision;
    const isLookedAt = answer.ok || found.length > 0;
    store.judged(isLookedAt ? document : null, {
      errors: [...remembered, ...found],
      review: isCurrent ? answer.body.changes : null,
    });
  }

  store.on("change", (by) => {
    clearTimeout(timer);
    if (by !== "secret") remembered = [];
    timer = setTimeout(check, by === "secret" ? 0 : PAUSE_MS);
  });
  return { now: check };
}

/** The document without the secret at a place: there, or around the key that it is, is what is stored. */
function without(document, base, pointer) {
  const before = get(base, pointer);
  const isInList = /[/][0-9]+$/.test(pointer);
  return put(document, pointer, before === undefined && isInList ? "" : before);
}
