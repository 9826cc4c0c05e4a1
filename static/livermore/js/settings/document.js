// The document: places, differences, merge patches. Pure functions; nothing here changes its input.
// Places are JSON Pointers, as the API names them.

export const isObject = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value);

export const keysOf = (pointer) =>
  pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));

export const below = (pointer, key) =>
  `${pointer}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;

/** Whether a place is another one, or inside of it. */
export const isWithin = (pointer, around) =>
  pointer === around || pointer.startsWith(`${around}/`);

export const text = (document) => JSON.stringify(document, null, 2);

/** Equal as JSON: the order of keys means nothing. */
export function same(a, b) {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((one, at) => same(one, b[at]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key], b[key]));
}

/** What stands at a place; undefined where nothing does. */
export function get(document, pointer) {
  let node = document;
  for (const key of keysOf(pointer)) {
    if (node === null || typeof node !== "object" || !Object.hasOwn(node, key)) return undefined;
    node = node[key];
  }
  return node;
}

/** The document with another value at a place; undefined removes what stands there. */
export const put = (document, pointer, value) => withAt(document, keysOf(pointer), value);

function withAt(node, keys, value) {
  if (!keys.length) return value;
  const [key, ...rest] = keys;
  const inner = node?.[key];
  const changed = withAt(inner, rest, value);
  if (Array.isArray(node)) return node.with(Number(key), changed);
  const { [key]: _, ...others } = isObject(node) ? node : {};
  if (changed === undefined) return others;
  return isObject(node) && key in node ? { ...node, [key]: changed } : { ...others, [key]: changed };
}

const isTable = (...lists) => lists.every(Array.isArray) && lists.flat().some(isObject);

/** [{path, old, new}]: rows of tables are matched with each other, any other list is one value. */
export function changes(before, after, path = "") {
  if (same(before, after)) return [];
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => changes(before[key], after[key], below(path, key)));
  }
  if (isTable(before, after)) return changedRows(before, after, path);
  return [{ path, old: before, new: after }];
}

/** What is equal at both ends stays; between them, row stands against row. */
function changedRows(before, after, path) {
  let start = 0;
  while (start < before.length && start < after.length && same(before[start], after[start])) start += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && same(before.at(-1 - end), after.at(-1 - end))) end += 1;
  const old = before.slice(start, before.length - end);
  const now = after.slice(start, after.length - end);
  return Array.from({ length: Math.max(old.length, now.length) }, (_, at) => at).flatMap((at) => {
    const here = below(path, start + at);
    const isBoth = at < old.length && at < now.length;
    return isBoth ? changes(old[at], now[at], here) : [{ path: here, old: old[at], new: now[at] }];
  });
}

/** The places that differ; a list is one value, so that what differs can be put elsewhere. */
export function differences(before, after, path = "") {
  if (same(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ path, value: after }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => differences(before[key], after[key], below(path, key)));
}

/** A document with what makes `after` of `before` on top of it. */
export const onTop = (document, before, after) =>
  differences(before, after).reduce((made, { path, value }) => put(made, path, value), document);

/** RFC 7396. */
export function merged(target, patch) {
  if (!isObject(patch)) return patch;
  const made = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete made[key];
    else made[key] = merged(made[key], value);
  }
  return made;
}

/** A value as people read it. */
export function shown(value) {
  if (value === undefined) return "–";
  if (value === true) return "on";
  if (value === false) return "off";
  if (Array.isArray(value) && !value.some(isObject)) return value.join(", ") || "none";
  if (isObject(value) && "symbol" in value) return `${value.symbol} · ${value.exchange}`;
  if (Array.isArray(value)) return value.map(shown).join("; ");
  if (isObject(value)) {
    const members = Object.entries(value).filter(([, member]) => !same(member, {}));
    const words = members.map(([key, member]) => `${key.replaceAll("_", " ")}: ${shown(member)}`);
    return words.join(" · ") || "empty";
  }
  return String(value) || "empty";
}
