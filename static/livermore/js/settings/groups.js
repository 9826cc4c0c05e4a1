// What can be added and removed as a whole: an exchange, a channel; and whatever is said of a group.

import { ask } from "../api.js";
import { $, $$, setAttribute, setText } from "../dom.js";
import { took } from "../format.js";
import { toast } from "../toast.js";
import { get, put } from "./document.js";

export function bindGroups(form, store, blanks) {
  const groups = $$("[data-group]", form);

  function draw() {
    for (const group of groups) {
      const path = group.dataset.group;
      if ("optional" in group.dataset) {
        const isAbsent = get(store.document, path) === undefined;
        const wasAbsent = get(store.base, path) === undefined;
        setAttribute(group, "data-absent", isAbsent && "");
        setAttribute(group, "data-dirty", isAbsent !== wasAbsent && "");
      }
      const error = $(":scope > .st-inside > .st-err", group);
      const messages = store.errors.filter(({ pointer }) => pointer === path);
      setText(error, messages.map(({ detail }) => detail).join("; "));
      error.hidden = !messages.length;
    }
    for (const button of $$("[data-act=test]", form)) {
      const channel = get(store.base, `/notifications/${button.dataset.channel}`);
      button.hidden = !channel?.enabled;
    }
  }

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    const path = button?.closest("[data-group]")?.dataset.group;
    const group = button?.closest("[data-group]");
    if (button?.dataset.act === "add") {
      store.change(put(store.document, path, blanks[path]), "groups");
      $(".st-inside input", group).focus();
    }
    if (button?.dataset.act === "drop") {
      store.change(put(store.document, path, undefined), "groups");
      $("[data-act=add]", group).focus();
    }
    if (button?.dataset.act === "test") tryOut(button);
  });
  store.on("change", draw);
  store.on("verdict", draw);
  draw();
}

/** The worker sends a test by what is saved; the answer says what became of it. */
async function tryOut(button) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  const began = performance.now();
  const answer = await ask("POST", "/api/alerts/test", { body: { channel: button.dataset.channel } });
  button.removeAttribute("aria-busy");
  const ms = took(performance.now() - began);
  const channel = $(".st-title", button.closest("legend")).textContent;
  if (answer.status === 200) toast(`${channel}: the test arrived`, ms);
  else if (answer.ok) {
    toast(`${channel}: the test is on its way`, `No answer yet after ${ms}.`, { glyph: "stale", stays: true });
  } else toast(`${channel}: the test did not arrive`, answer.message, { glyph: "faulted", stays: true });
}
