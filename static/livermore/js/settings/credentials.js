// Of each variable that is named: whether it is set where the runtime runs. Names go to the server,
// and only what the server has looked at already and took for no secret.

import { ask } from "../api.js";
import { $, $$, setAttribute, setIcon, setText } from "../dom.js";
import { get, isWithin } from "./document.js";

const LOOKS = {
  set: ["ok", "ok", "set where the runtime runs"],
  "not set": ["warn", "stale", "not set where the runtime runs"],
  "not allowed": ["bad", "x", "not a name that you may use"],
  "looks like a secret": ["bad", "x", "looks like a secret: not stored. Enter the variable's name"],
  unknown: ["off", "unknown", "no worker tells whether it is set"],
};

export function bindCredentials(form, store) {
  const chips = $$("[data-chip]", form).map((node) => ({ node, path: node.dataset.chip }));
  let asked = "";

  function show({ node }, { state, didYouMean = [] }) {
    const [look, icon, words] = LOOKS[state];
    setAttribute(node, "data-s", look);
    setIcon(node, icon);
    const hint = didYouMean.length ? `; did you mean ${didYouMean.join(" or ")}?` : "";
    setText($("span", node), words + hint);
    node.hidden = false;
  }

  async function draw() {
    const said = store.errors.filter(({ secret }) => secret);
    const named = [];
    for (const chip of chips) {
      const name = get(store.document, chip.path);
      const isRefused = store.errors.some(({ pointer }) => isWithin(pointer, chip.path));
      if (said.some(({ pointer }) => pointer === chip.path)) {
        show(chip, { state: "looks like a secret" });
      } else if (typeof name !== "string" || !name || isRefused) chip.node.hidden = true;
      else named.push({ ...chip, name });
    }
    const question = JSON.stringify(named.map(({ path, name }) => [path, name]));
    if (question === asked || store.checked !== store.document) return;
    asked = question;
    if (!named.length) return;
    const query = { name: named.map(({ name }) => name) };
    const answer = await ask("GET", "/api/settings/credentials", { query });
    if (!answer.ok || question !== asked) return;
    answer.body.asked.forEach((known, at) => show(named[at], known));
  }

  store.on("verdict", draw);
}
