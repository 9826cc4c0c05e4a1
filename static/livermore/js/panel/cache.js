// What the candles of the watched markets take in Redis, and how often they were found there.

import { $, fill } from "../dom.js";
import { count } from "../format.js";

const UNITS = ["bytes", "KB", "MB", "GB"];
const card = $("#cp-cache");

/** Bring the card in line with a status; a worker that has not looked yet tells none. */
export function showCache(cache) {
  if (!cache) return;
  const reads = cache.hits + cache.misses;
  fill(card, {
    rate: reads ? `${((cache.hits / reads) * 100).toFixed(1)} %` : "–",
    keys: count(cache.keys),
    memory: size(cache.memoryBytes),
    limit: cache.limitBytes ? size(cache.limitBytes) : "none",
  });
}

function size(bytes) {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 1024 ** step).toFixed(step ? 1 : 0)} ${UNITS[step]}`;
}
