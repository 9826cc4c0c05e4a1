// On which line of a JSON text each place stands. The text is valid JSON, however it is laid out.
// A key that stands twice in one object is told: to the browser's own reader only its last value is there.

import { below } from "./document.js";

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:\n]/g;

/**
 * {lines, repeated}: JSON Pointer → line, counted from 1; of a list's numbers, the list's own line.
 * `repeated` is the first key that stands twice in its object, {pointer, key, first, line}, or null.
 */
export function linesOf(text) {
  const lines = new Map();
  let repeated = null;
  const around = []; // {path, key, isList}: key is the member, or the row, that is being read
  let line = 1;
  let word = "";
  const here = () => (around.length ? below(around.at(-1).path, around.at(-1).key) : "");
  for (const [token] of text.matchAll(TOKENS)) {
    const inner = around.at(-1);
    if (token === "\n") line += 1;
    else if (token === "{" || token === "[") {
      if (!inner || inner.isList) lines.set(here(), line);
      around.push({ path: here(), key: token === "[" ? 0 : "", isList: token === "[" });
    } else if (token === "}" || token === "]") around.pop();
    else if (token === ":") {
      inner.key = JSON.parse(word);
      const first = lines.get(here());
      if (first !== undefined) repeated ??= { pointer: here(), key: inner.key, first, line };
      lines.set(here(), line);
    } else if (token === ",") {
      if (inner?.isList) inner.key += 1;
    } else {
      word = token;
      if (inner?.isList) lines.set(here(), line);
    }
  }
  return { lines, repeated };
}

/** The line of a place, or of the nearest place around it that stands in the text. */
export function lineAt(lines, pointer) {
  for (let path = pointer; path; path = path.slice(0, path.lastIndexOf("/"))) {
    if (lines.has(path)) return lines.get(path);
  }
  return 1;
}
