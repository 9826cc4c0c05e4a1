// The buttons. Each is pending until the result of its own command, then a toast says how long.

import { send } from "../commands.js";
import { $, $$, setIcon, setText } from "../dom.js";
import { took } from "../format.js";
import { key } from "../keys.js";
import { known } from "../runtime.js";
import { toast } from "../toast.js";

const DONE = {
  pause: "Paused",
  resume: "Resumed",
  "switch-mode": "Mode switched",
  "reload-settings": "Settings reloaded",
  undo: "Undone",
};

const toggle = $("#cp-toggle");
const undo = $("#cp-undo");
const dialog = $("#cp-mode-dialog");
const go = $("#cp-mode-go");
const choices = $$("input[name=mode]", dialog);

async function run(button, command, payload) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  const outcome = await send(command, payload);
  button.removeAttribute("aria-busy");
  showToggle();
  announce(command, outcome);
}

function announce(command, { status, message, ms }) {
  switch (status) {
    case "succeeded":
      toast(DONE[command], [message, took(ms)].filter(Boolean).join(" · "));
      break;
    case "recorded":
      toast("Recorded, not yet applied", "The runtime will do it as soon as it is back.", {
        glyph: "recorded",
      });
      break;
    case "unanswered":
      toast(`No answer to ${command}`, message ?? "The runtime has not answered yet.", {
        glyph: "stale",
        stays: true,
      });
      break;
    default:
      toast(`${command} ${status}`, message, { glyph: "faulted", stays: true });
  }
}

/** Pause or Resume: whichever is not wanted yet. Left alone while its command is under way. */
export function showToggle() {
  if (toggle.getAttribute("aria-busy") === "true") return;
  const command = known.desired?.isPaused ? "resume" : "pause";
  toggle.value = command;
  toggle.classList.toggle("lv-primary", command === "resume");
  setIcon(toggle, command === "pause" ? "paused" : "play");
  setText($("span", toggle), command === "pause" ? "Pause" : "Resume");
}

/** What undo would undo, while there is something and a runtime to do it. */
export function showUndo(isCurrent) {
  if (undo.getAttribute("aria-busy") === "true") return;
  const undoable = isCurrent ? known.status?.undo : null;
  undo.hidden = !undoable;
  if (!undoable) return;
  undo.title = undoable.text;
  setText($("span", undo), `Undo ${undoable.command}`);
}

function showChoice() {
  const picked = choices.find((choice) => choice.checked);
  const current = known.status?.mode ?? known.desired?.mode;
  const isSame = !picked || picked.value === current;
  go.disabled = isSame;
  setText(go, isSame ? "Switch mode" : `Switch to ${picked.value}`);
}

function askMode() {
  const current = known.status?.mode ?? known.desired?.mode;
  for (const choice of choices) {
    choice.checked = choice.value === current;
    $("[data-now]", choice.closest("label")).hidden = choice.value !== current;
  }
  showChoice();
  dialog.returnValue = "";
  dialog.showModal();
}

export function listen() {
  for (const button of [toggle, undo, $("#cp-reload")]) {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      run(button, button.value);
    });
  }
  const modeButton = $("#cp-mode");
  modeButton.addEventListener("click", (event) => {
    event.preventDefault();
    askMode();
  });
  for (const choice of choices) choice.addEventListener("change", showChoice);
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "go") return;
    run(modeButton, "switch-mode", { mode: choices.find((choice) => choice.checked).value });
  });
  key("p", "Pause or resume", () => toggle.click());
  key("m", "Switch mode", () => modeButton.click());
}
