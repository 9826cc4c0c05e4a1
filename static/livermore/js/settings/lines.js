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

/** A place, or the nearest place around it that stands in the text; "" is all of it. */
export function placeAt(lines, pointer) {
  let path = pointer;
  while (path && !lines.has(path)) path = path.slice(0, path.lastIndexOf("/"));
  return path;
}

/** The line of a place, or of the nearest place around it that stands in the text. */
export const lineAt = (lines, pointer) => lines.get(placeAt(lines, pointer)) ?? 1;
