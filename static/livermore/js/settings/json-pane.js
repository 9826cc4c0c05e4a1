// The JSON view: a text with a gutter that marks changed and wrong lines, and the list of problems.
// The text is edited by a plain textarea, or by an editor that took its place (`editor.js`).

import { $, clone, fill, setAttribute, setText } from "../dom.js";
import { plural } from "../format.js";
import { shown, text } from "./document.js";
import { lineAt, linesOf, placeAt } from "./lines.js";
import { titleOf } from "./titles.js";

const PAUSE_MS = 100;
const LINE_PX = 18;
const ABOVE = 6; // lines that stay in sight above a problem
const KEEPS = "The form keeps the last valid document.";
const BROKEN = `Not valid JSON here. ${KEEPS}`;

const gutter = $("#st-gutter");
const problems = $("#st-problems");

export function bindJson(store, pane = plainText($("#st-text"))) {
  let read = { text: null, lines: new Map(), repeated: null };

  function walked() {
    const now = pane.text();
    if (read.text !== now) read = { text: now, ...linesOf(now) };
    return read;
  }

  function draw() {
    setText($("#st-lines"), plural(pane.text().split("\n").length, "line"));
    if (store.syntax) {
      const { line, detail, places } = store.syntax;
      pane.mark(new Map([[line, "e"]]), places);
      list([{ line, text: detail }]);
      return;
    }
    const { lines } = walked();
    const places = [
      ...store.changes().map(({ path, old }) => ({ pointer: path, look: "c", words: `was ${shown(old)}` })),
      ...store.errors.map(({ pointer, detail }) => ({ pointer, look: "e", words: detail })),
    ];
    for (const place of places) place.pointer = placeAt(lines, place.pointer); // what is missing has none
    pane.mark(new Map(places.map(({ pointer, look }) => [lineAt(lines, pointer), look])), places);
    list(
      store.errors.map(({ pointer, detail }) => ({
        line: lineAt(lines, pointer),
        text: `${titleOf(pointer)} ${detail}`,
      })),
    );
  }

  function list(found) {
    problems.replaceChildren(
      ...found.map(({ line, text: words }) => {
        const item = fill(clone("st-problem"), { line: `Line ${line}`, text: words });
        $("button", item).addEventListener("click", () => pane.goTo(line));
        return item;
      }),
    );
  }

  function typed() {
    const now = pane.text();
    let document;
    try {
      document = JSON.parse(now);
    } catch (error) {
      store.broken({ line: lineOfError(error, now), detail: BROKEN, places: [] });
      return;
    }
    const { repeated } = walked();
    if (repeated) store.broken(refusalOf(repeated));
    else store.change(document, "json");
  }

  /** Another editor takes the place of this one. */
  function replace(next) {
    pane = next;
    pane.onInput(typed);
    if (!store.syntax) pane.show(text(store.document));
    draw();
  }

  let later = null; // a text that is to be shown soon: while somebody types in the form, it waits

  function refresh(isFresh = false) {
    clearTimeout(later);
    later = null;
    pane.show(text(store.document), isFresh);
    draw();
  }

  pane.onInput(typed);
  store.on("change", (by) => {
    clearTimeout(later);
    later = null;
    if (by === "json") draw();
    else if (by === "secret") refresh(true);
    else later = setTimeout(refresh, PAUSE_MS);
  });
  store.on("verdict", () => later === null && draw());
  $("#st-editor").addEventListener("focusin", () => later !== null && refresh());
  draw();
  return { replace, text: () => pane.text() };
}

/** What would be lost, were it read: the first of the two values. */
function refusalOf({ pointer, key, first, line }) {
  const lines = first === line ? `both on line ${line}` : `on lines ${first} and ${line}`;
  const words = `The key "${key}" stands twice in one object, ${lines}: ${pointer}.`;
  return { line, detail: `${words} ${KEEPS}`, places: [{ pointer, look: "e", words }] };
}

/** Engines tell the place in one of two ways, or not at all where the text ends too soon. */
function lineOfError({ message }, text) {
  const line = /line (\d+)/.exec(message);
  if (line) return Number(line[1]);
  const place = /position (\d+)/.exec(message);
  return text.slice(0, place ? Number(place[1]) : text.length).split("\n").length;
}

function plainText(area) {
  const spans = [];
  let marked = new Map();
  const follow = () => (gutter.scrollTop = area.scrollTop);
  area.addEventListener("scroll", follow);

  function number(count) {
    while (spans.length > count) spans.pop().remove();
    while (spans.length < count) {
      const span = document.createElement("span");
      span.textContent = spans.length + 1;
      gutter.append(span);
      spans.push(span);
    }
  }

  return {
    text: () => area.value,
    show(value) {
      if (area.value !== value) area.value = value;
    },
    onInput: (fn) => area.addEventListener("input", fn),
    mark(lines) {
      number(area.value.split("\n").length);
      for (const line of new Set([...marked.keys(), ...lines.keys()])) {
        if (spans[line - 1]) setAttribute(spans[line - 1], "data-m", lines.get(line));
      }
      marked = lines;
      follow();
    },
    goTo(line) {
      const at = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      const end = area.value.indexOf("\n", at);
      area.focus();
      area.setSelectionRange(at, end < 0 ? area.value.length : end);
      area.scrollTop = Math.max(0, (line - ABOVE) * LINE_PX);
    },
  };
}
