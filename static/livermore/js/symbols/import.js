// Importing a list: pasted or from a file, held against the exchanges row by row, then applied as
// it was shown, or those of its rows that stay ticked.

import { ask, notDone } from "../api.js";
import { $, $$, boot, clone, fill, setAttribute, setIcon, setText } from "../dom.js";
import { plural } from "../format.js";
import { toast } from "../toast.js";
import { tell } from "./acts.js";
import { refresh } from "./table.js";

const WAIT_MS = 500; // until somebody stops typing
const { imports } = boot() ?? { imports: {} };
const APPLICABLE = new Set(["added", "re-enabled", "changed"]);
const dialog = $("#sy-importing");
const text = $("#sy-import-text");
const file = $("#sy-import-file");
const body = $("#sy-import-rows");
const sum = $("#sy-import-sum");
const hint = sum.textContent;
const go = $("#sy-import-go");

let approval = null;
let waiting = null;
let asking = null;

async function preview() {
  asking?.abort();
  approval = null;
  showGo();
  if (!text.value.trim()) {
    body.replaceChildren();
    setText(sum, hint);
    return;
  }
  asking = new AbortController();
  setText(sum, "Checking…");
  try {
    const { signal } = asking;
    show(await ask("POST", "/api/symbols/import", { body: { text: text.value }, changes: false, signal }));
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function show({ ok, body: told, message, errors }) {
  if (!ok) {
    const place = told?.line ? ` (line ${told.line}, column ${told.column})` : "";
    body.replaceChildren();
    setText(sum, [`${message}${place}`, ...errors.map(({ detail }) => detail)].join(" "));
    return;
  }
  approval = told.approval ?? null;
  body.replaceChildren(...told.rows.map(rowOf));
  const counts = Object.entries(told.counts).filter(([, count]) => count);
  const parts = counts.map(([outcome, count]) => `${count} ${wordOf(outcome)}`);
  setText(sum, [parts.join(", "), told.note].filter(Boolean).join(". "));
  showGo();
}

const lookOf = (outcome) => imports[outcome] ?? ["off", "unknown", outcome];
const wordOf = (outcome) => lookOf(outcome)[2];

function rowOf(told) {
  const [tone, glyph, word] = lookOf(told.outcome);
  const row = fill(clone("sy-import-row"), {
    line: told.line ?? told.number,
    symbol: told.symbol ?? "–",
    exchange: told.exchange,
    word,
    detail: told.detail,
  });
  setAttribute($(".lv-st", row), "data-s", tone);
  setIcon(row, glyph);
  const tick = $("input", row);
  if (APPLICABLE.has(told.outcome)) {
    tick.value = told.number;
    setAttribute(tick, "aria-label", `Apply ${told.symbol}`);
  } else tick.remove();
  return row;
}

const ticked = () => $$("input:checked", body).map(({ value }) => Number(value));

function showGo() {
  const count = approval ? ticked().length : 0;
  go.disabled = count === 0;
  setText(go, count ? `Apply ${plural(count, "change")}` : "Apply");
}

async function apply() {
  if (go.getAttribute("aria-busy") === "true") return;
  go.setAttribute("aria-busy", "true");
  const began = performance.now();
  const only = ticked();
  const answer = await ask("POST", "/api/symbols/import/apply", { body: { approval, only } });
  const ms = performance.now() - began;
  go.removeAttribute("aria-busy");
  if (!answer.ok) {
    setText(sum, answer.message);
    toast(notDone(answer, "Import refused"), answer.message, { glyph: "faulted", stays: true });
    if (answer.status === 409) await preview(); // the list has moved: what would be done now
    return;
  }
  dialog.close();
  text.value = "";
  await preview();
  await refresh();
  tell(answer, `${plural(only.length, "row")} imported`, ms);
}

async function read() {
  const [chosen] = file.files;
  if (!chosen) return;
  text.value = await chosen.text();
  file.value = "";
  await preview();
}

export function listen() {
  $("#sy-import").addEventListener("click", (event) => {
    event.preventDefault();
    dialog.showModal();
    text.focus();
  });
  text.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(preview, WAIT_MS);
  });
  file.addEventListener("change", read);
  body.addEventListener("change", showGo);
  go.addEventListener("click", apply);
  dialog.addEventListener("dragover", (event) => event.preventDefault());
  dialog.addEventListener("drop", async (event) => {
    const [dropped] = event.dataTransfer.files;
    if (!dropped) return;
    event.preventDefault();
    text.value = await dropped.text();
    await preview();
  });
}
