// Every page: the state in header, title and favicon, kept live, and the keys for moving about.

import { now } from "./clock.js";
import { $, setIcon, setText } from "./dom.js";
import { key, showKeys } from "./keys.js";
import { connect, on } from "./live.js";
import { isInformed, label, state } from "./runtime.js";

const TICK_MS = 500;

const pill = $("#lv-header-state"); // only there for somebody signed in
const favicon = $("#lv-favicon");
const plainTitle = document.title;

let told = ""; // a page that opens in a state has its pill, and neither its title nor its picture

function showState() {
  if (!isInformed()) return; // what the server rendered is all there is yet
  const shown = state(now());
  const words = label(shown);
  if (told === `${shown} ${words}`) return;
  told = `${shown} ${words}`;
  pill.dataset.state = shown;
  setIcon(pill, shown);
  setText($("span", pill), words);
  document.title = shown === "running" ? plainTitle : `${words} · ${plainTitle}`;
  favicon.href = favicon.dataset[shown];
}

function follow() {
  for (const type of ["status", "link"]) on(type, showState);
  setInterval(showState, TICK_MS);
  connect();
}

function registerKeys() {
  for (const link of document.querySelectorAll("#nav-sidebar a[data-key]")) {
    key(`g ${link.dataset.key}`, `Go to ${link.textContent.trim()}`, () => link.click());
  }
  key("?", "This list", showKeys);
  $("#lv-help").addEventListener("click", showKeys);
}

if (pill) {
  registerKeys();
  follow();
}
