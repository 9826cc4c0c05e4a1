// The JSON editor (vanilla-jsoneditor, from npm) in place of the plain textarea. It is large, so it comes
// when the page stands and the JSON is in sight; where it does not come at all, the textarea stays.

import { $, setAttribute } from "../dom.js";
import { keysOf } from "./document.js";

const LINE_PX = 18;
const ABOVE = 6; // lines that stay in sight above a problem
const LABEL = "Settings document as JSON";

/** Get ready for it; the answer is to be called whenever the JSON may have come in sight. */
export function editInPlaceOf(area, json) {
  let isAsked = false;
  const look = () => {
    if (isAsked || !area.checkVisibility()) return;
    isAsked = true;
    whenIdle(() => load(area, json));
  };
  addEventListener("resize", look);
  look();
  return look;
}

const PATIENCE_MS = 300; // some pages are never idle

const whenIdle = (run) =>
  window.requestIdleCallback?.(run, { timeout: PATIENCE_MS }) ?? setTimeout(run, PATIENCE_MS);

async function load(area, json) {
  let createJSONEditor;
  try {
    ({ createJSONEditor } = await import("../../../vendor/jsoneditor.js"));
  } catch {
    return; // not installed, or the server is away: the textarea does it all
  }
  const hadFocus = document.activeElement === area;
  const box = $("#st-code");
  box.hidden = false;
  area.hidden = true;
  $("#st-gutter").hidden = true;
  json.replace(richText(createJSONEditor, box, area.value));
  area.value = ""; // one place less that holds what is typed
  if (hadFocus) $(".cm-content", box).focus();
}

function richText(createJSONEditor, box, text) {
  let now = text;
  let typed = () => {};
  let places = [];
  let expected = null; // a text that we have set ourselves: no news to the store
  const editor = createJSONEditor({
    target: box,
    props: {
      mode: "text",
      content: { text },
      indentation: 2,
      mainMenuBar: false,
      statusBar: false,
      askToFormat: false,
      validator: () => places.map(told),
      onChange: (content) => {
        now = content.text ?? JSON.stringify(content.json, null, 2);
        if (now !== expected) typed();
        expected = null;
      },
      onRenderMenu: () => false,
      onRenderContextMenu: () => false,
    },
  });
  name(box);
  return {
    text: () => now,
    show(value, isFresh) {
      if (value === now && !isFresh) return;
      now = expected = value;
      if (isFresh) editor.set({ text: value }); // with no way back to what was there
      else editor.update({ text: value });
    },
    onInput: (fn) => (typed = fn),
    mark(_, wanted) {
      places = wanted;
      editor.updateProps({ validator: () => places.map(told) });
    },
    goTo(line) {
      const at = now.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      const end = now.indexOf("\n", at);
      const range = { anchor: at, head: end < 0 ? now.length : end };
      editor.focus();
      editor.select({ type: "text", ranges: [range], main: 0 });
      $(".cm-scroller", box).scrollTop = Math.max(0, (line - ABOVE) * LINE_PX);
    },
  };
}

const told = ({ pointer, look, words }) => ({
  path: keysOf(pointer),
  message: words,
  severity: look === "e" ? "error" : "info",
});

/** The editor names its field for nobody. */
function name(box) {
  const find = () => {
    const field = $(".cm-content", box);
    if (!field) return requestAnimationFrame(find);
    setAttribute(field, "aria-label", LABEL);
    setAttribute(field, "aria-describedby", "st-problems st-keys");
    const around = $(".cm-scroller", box); // focusable and named, as every part that scrolls
    setAttribute(around, "tabindex", "0");
    setAttribute(around, "role", "group");
    setAttribute(around, "aria-label", "JSON");
    return null;
  };
  find();
}
