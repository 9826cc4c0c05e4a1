// Switching the mode: what will change is said before, by the plan that the server has.

import { ask } from "../api.js";
import { $, $$, el, setText } from "../dom.js";
import { elsewhere, plural, short } from "../format.js";
import { known } from "../runtime.js";
import { asked } from "./asking.js";

const NAMES = 8; // so many symbols are named, the others counted

const dialog = $("#cp-mode-dialog");
const go = $("#cp-mode-go");
const effects = $("#cp-mode-effects");
const choices = $$("input[name=mode]", dialog);

let plans = null; // by mode; null while they are asked for
let trouble = "";

const current = () => known.desired?.mode ?? known.status?.mode;
const picked = () => choices.find((choice) => choice.checked)?.value;

/** The mode that is chosen and confirmed, or null. */
export async function askMode() {
  for (const choice of choices) {
    choice.checked = choice.value === current();
    choice.autofocus = choice.checked; // the arrow keys go on from there
    $("[data-now]", choice.closest("label")).hidden = choice.value !== current();
  }
  plans = null;
  trouble = "";
  show();
  readPlans();
  return (await asked(dialog)) ? picked() : null;
}

async function readPlans() {
  const { ok, body, message } = await ask("GET", "/api/control/modes");
  if (ok) plans = Object.fromEntries(body.modes.map((plan) => [plan.mode, plan]));
  else trouble = message;
  show();
}

function show() {
  const mode = picked();
  const isSame = !mode || mode === current();
  go.disabled = isSame;
  setText(go, isSame ? "Switch mode" : `Switch to ${mode}`);
  const rows = isSame ? [["Nothing changes", "This mode is wanted now."]] : changes(mode);
  effects.replaceChildren(...rows.flatMap(([term, text]) => [el("dt", {}, term), el("dd", {}, text)]));
}

function changes(mode) {
  if (trouble) return [["Not known", `What would change cannot be told: ${trouble}`]];
  const then = plans?.[mode];
  if (!then) return [["Symbols", "…"]];
  const before = plans[current()];
  const isPaused = known.desired?.isPaused;
  return [
    ["Symbols", arrow(before?.symbols ?? 0, then.symbols)],
    ["Timeframes", arrow(before?.timeframes.join(" ") ?? "none", then.timeframes.join(" "))],
    ["Starts", named(then.starts)],
    ["Stops", named(then.stops)],
    ["Takes effect", isPaused ? "when you resume" : "at once"],
    ["Undo", `back to ${current()}`],
  ];
}

const arrow = (from, to) => (from === to ? `${to}, as now` : `${from} → ${to}`);

function named(list) {
  if (list.length === 0) return "none";
  const names = list.slice(0, NAMES).map(nameOf).join(", ");
  const others = list.length - NAMES;
  return others > 0 ? `${plural(list.length, "symbol")}: ${names} and ${others} more` : names;
}

function nameOf(market) {
  return [short(market.symbol), elsewhere(market)].filter(Boolean).join(" ");
}

for (const choice of choices) choice.addEventListener("change", show);
