// The user's signals as marks on the candles: an arrow says which way, a text what.

import { token } from "./look.js";
import { signed, typeset } from "../format.js";

const SHORT = {
  crossover: "cross",
  reversal: "reversal",
  "momentum-shift": "shift",
  "price-move": "price",
};

/** The marks of signals, oldest first; several of one candle are one mark. */
export function marks(signals, chosen) {
  const byPlace = new Map();
  for (const signal of signals) {
    const place = `${signal.openedAt} ${signal.direction}`;
    byPlace.set(place, [...(byPlace.get(place) ?? []), signal]);
  }
  return [...byPlace.values()].map((group) => mark(group, chosen)).sort((a, b) => a.time - b.time);
}

function mark(group, chosen) {
  const [{ openedAt, direction }] = group;
  const isUp = direction === "up";
  const isChosen = openedAt === chosen;
  const isMissed = group.every(({ state }) => state === "missed");
  const color = isChosen ? "accent" : isMissed ? "ink-3" : isUp ? "up" : "down";
  return {
    time: openedAt,
    position: isUp ? "belowBar" : "aboveBar",
    shape: isMissed ? "circle" : isUp ? "arrowUp" : "arrowDown",
    color: token(color),
    size: isChosen ? 1.6 : 1,
    text: isChosen || group.some(({ kind }) => kind === "level") ? group.map(name).join(" ") : "",
  };
}

const name = ({ kind, level }) =>
  kind === "level" && level !== null ? signed(level) : (SHORT[kind] ?? kind);

/** What is told of a candle's signals, in words. */
export const inWords = (signals) =>
  signals
    .map(({ kind, direction, detail }) => {
      const way = direction === "up" ? "▲" : "▼";
      return `${way} ${kind.replaceAll("-", " ")} ${typeset(detail)}`;
    })
    .join(" · ");
