// One document, two views. Whoever changes it names itself, so that it is not drawn over.
// on(type, fn): "change" (the document; with the name of who changed it), "verdict" (what is wrong
// with it, or its text), "newest" (there is a newer revision than the one this was made on).

import { changes, same } from "./document.js";

export function createStore({ settings, revision, draft }) {
  const bus = new EventTarget();
  const tell = (type, detail) => bus.dispatchEvent(new CustomEvent(type, { detail }));
  let counted = { base: null, document: null, changes: [] };
  const store = {
    base: settings, // as it is stored
    document: draft ?? settings, // as it is wanted
    revision, // of base
    newest: revision, // that anybody has told of
    errors: [], // [{pointer, detail}] of the document
    // {line, detail, places} where the text is no JSON, or some of it would be lost: the document is
    // the last one that was.
    syntax: null,
    checked: null, // the document that `errors` and `review` speak of
    review: null, // [{path, old, new, applies}] by the server, on the stored revision

    /** Another document is wanted. */
    change(document, by) {
      store.document = document;
      if (by !== "json" || store.syntax) store.syntax = null;
      tell("change", by);
    },

    /** The text that is being edited is no document. */
    broken(syntax) {
      store.syntax = syntax;
      tell("verdict");
    },

    /** What the server says of a document. */
    judged(document, { errors, review }) {
      Object.assign(store, { checked: document, errors, review });
      tell("verdict");
    },

    /** Somebody tells of a revision of the settings. */
    heardOf(number) {
      if (number <= store.newest) return;
      store.newest = number;
      tell("newest");
    },

    /** What is stored is another document now, and so is what is wanted. */
    rebase({ settings: base, revision: number, document }, by) {
      Object.assign(store, { base, revision: number, review: null, checked: null, errors: [] });
      store.newest = Math.max(store.newest, number);
      store.change(document, by);
    },

    /** Every change from what is stored to what is wanted. */
    changes() {
      if (counted.base !== store.base || counted.document !== store.document) {
        const found = changes(store.base, store.document);
        counted = { base: store.base, document: store.document, changes: found };
      }
      return counted.changes;
    },

    isDirty: () => Boolean(store.syntax) || !same(store.base, store.document),
    on: (type, fn) => bus.addEventListener(type, (event) => fn(event.detail)),
  };
  return store;
}
