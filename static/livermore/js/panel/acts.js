// A button is pending until the result of its own command; then a toast says what became of it,
// and how long that took.

import { send } from "../commands.js";
import { setAttribute } from "../dom.js";
import { plural, took } from "../format.js";
import { toast } from "../toast.js";

const DONE = {
  pause: "Paused",
  resume: "Resumed",
  "switch-mode": "Mode switched",
  "reload-settings": "Settings reloaded",
  "force-backfill": "Backfill began",
  "clear-cache": "Cache cleared",
  undo: "Undone",
};

export const isBusy = (button) => button.getAttribute("aria-busy") === "true";

/** Send a command for a button, unless one of its own is under way; what became of it. */
export function run(button, command, payload) {
  return pending(button, async () => announce(command, await send(command, payload)));
}

/** Send the same command with several payloads; one toast tells of all. */
export function runEach(button, command, payloads) {
  if (payloads.length === 1) return run(button, command, payloads[0]);
  return pending(button, async () => {
    const outcomes = await Promise.all(payloads.map((payload) => send(command, payload)));
    const failed = outcomes.filter(({ status }) => status !== "succeeded");
    const ms = Math.max(...outcomes.map((outcome) => outcome.ms));
    const text = plural(outcomes.length - failed.length, "symbol");
    if (failed.length < outcomes.length) toast(DONE[command], `${text} · ${took(ms)}`);
    if (failed.length === 0) return;
    const [{ status, message }] = failed;
    const title = `${command} ${status}: ${plural(failed.length, "symbol")}`;
    toast(title, message, { glyph: "faulted", stays: true });
  });
}

async function pending(button, act) {
  if (isBusy(button)) return;
  setAttribute(button, "aria-busy", "true");
  try {
    await act();
  } finally {
    setAttribute(button, "aria-busy", null);
  }
}

function announce(command, { status, message, ms }) {
  switch (status) {
    case "succeeded":
      toast(DONE[command] ?? command, [message, took(ms)].filter(Boolean).join(" · "));
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
