// The buttons, and the keys that press them.

import { $, setIcon, setText } from "../dom.js";
import { key } from "../keys.js";
import { known } from "../runtime.js";
import { isBusy, run, runEach } from "./acts.js";
import { askBackfill } from "./backfilling.js";
import { askClear } from "./clearing.js";
import { askMode } from "./mode.js";

const toggle = $("#cp-toggle");
const undo = $("#cp-undo");

/** Pause or Resume: whichever is not wanted yet. Left alone while its command is under way. */
export function showToggle() {
  if (isBusy(toggle)) return;
  const command = known.desired?.isPaused ? "resume" : "pause";
  toggle.value = command;
  toggle.classList.toggle("lv-primary", command === "resume");
  setIcon(toggle, command === "pause" ? "paused" : "play");
  setText($("span", toggle), command === "pause" ? "Pause" : "Resume");
}

/** What undo would undo, while there is something and a runtime to do it. */
export function showUndo(isCurrent) {
  if (isBusy(undo)) return;
  const undoable = isCurrent ? known.status?.undo : null;
  undo.hidden = !undoable;
  if (!undoable) return;
  undo.title = undoable.text;
  setText($("span", undo), `Undo ${undoable.command}`);
}

/** Have a button do something in place of sending its form. */
function press(button, act) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    if (!isBusy(button)) act(button);
  });
}

export function listen() {
  for (const button of [toggle, undo, $("#cp-reload"), $("#cp-restart")]) {
    press(button, async () => {
      await run(button, button.value);
      showToggle();
    });
  }
  press($("#cp-mode"), async (button) => {
    const mode = await askMode();
    if (mode) await run(button, "switch-mode", { mode });
  });
  press($("#cp-backfill"), async (button) => {
    const payloads = await askBackfill();
    if (payloads.length) await runEach(button, "force-backfill", payloads);
  });
  press($("#cp-clear"), async (button) => {
    const payload = await askClear();
    if (payload) await run(button, "clear-cache", payload);
  });
  for (const id of ["#cp-backfill", "#cp-clear"]) $(id).hidden = false; // they only open dialogs
  key("p", "Pause or resume", () => toggle.click());
  key("m", "Switch mode", () => $("#cp-mode").click());
  key("u", "Undo", () => undo.hidden || undo.click());
}
