// What is not saved yet, kept in this browser for each user, with what it was made on.
// Rule: only what the server has looked at is kept: it may be no secret.

import { same } from "./document.js";

const nameOf = (sub) => `livermore.settings.draft.${sub}`;

export function createDrafts(sub, store) {
  const name = nameOf(sub);
  const forget = () => localStorage.removeItem(name);

  let hasKept = false; // another tab's draft is not this one's to forget

  function keep() {
    if (store.checked !== store.document) return;
    if (!store.isDirty()) {
      if (hasKept) forget();
      return;
    }
    hasKept = true;
    const { base, document, revision } = store;
    const draft = { at: Date.now(), revision, base, document };
    try {
      localStorage.setItem(name, JSON.stringify(draft));
    } catch {
      // The browser has no room for it, or keeps nothing: leaving still warns.
    }
  }

  store.on("verdict", keep);
  return {
    forget,
    /** What was left behind, unless it is what is stored anyway. */
    offered() {
      try {
        const draft = JSON.parse(localStorage.getItem(name));
        return draft && !same(draft.document, store.base) ? draft : null;
      } catch {
        return null;
      }
    },
  };
}
