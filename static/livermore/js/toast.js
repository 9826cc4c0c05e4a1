// Short notices. A success goes by itself; a failure stays until it is dismissed.

import { $, clone, el, fill, setIcon } from "./dom.js";

const LIFE_MS = 6_000;
const AT_MOST = 4;

/**
 * `glyph` is an icon's name; `stays` for whatever a person should act on. `act` is the word of a
 * button that calls `onAct`.
 */
export function toast(title, text = "", { glyph = "ok", stays = false, act, onAct } = {}) {
  const box = $("#lv-toasts");
  const node = fill(clone("lv-toast"), { title, text });
  setIcon(node, glyph);
  $("button", node).addEventListener("click", () => node.remove());
  if (act) offer(node, act, onAct);
  box.append(node);
  while (box.children.length > AT_MOST) box.firstElementChild.remove();
  if (!stays) setTimeout(() => node.remove(), LIFE_MS);
}

function offer(node, act, onAct) {
  const button = el("button", { type: "button", class: "lv-act" }, act);
  button.addEventListener("click", () => {
    node.remove();
    onAct();
  });
  $("button", node).before(button);
}
