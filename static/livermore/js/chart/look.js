// How the chart looks: every colour is one of the theme's variables, read anew when the theme turns.

const style = () => getComputedStyle(document.documentElement);

/** The value of a variable of tokens.css. */
export function token(name) {
  return style().getPropertyValue(`--lv-${name}`).trim();
}

/** Call `paint` when the theme turns, by the switch or by the system. */
export function onTheme(paint) {
  new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
}

/** The options of the whole chart; `times` writes moments. */
export function chartLook(times) {
  const ink = token("ink-3");
  const line = token("line");
  const label = { color: ink, labelBackgroundColor: token("ink-2") };
  return {
    layout: {
      background: { color: token("surface") },
      textColor: ink,
      fontFamily: token("font"),
      fontSize: 11,
      attributionLogo: false, // its text link stands beneath the chart
      panes: { separatorColor: token("line-strong"), separatorHoverColor: token("hover"), enableResize: false },
    },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    rightPriceScale: { borderColor: line, minimumWidth: 68 },
    timeScale: {
      borderColor: line,
      timeVisible: true,
      secondsVisible: false,
      rightOffset: 4,
      tickMarkFormatter: times.tick,
      tickMarkMaxCharacterLength: 12,
    },
    localization: { timeFormatter: times.label },
    crosshair: { mode: 0, vertLine: label, horzLine: label },
  };
}

/** Up is hollow, down is filled: the shape says it, the colour repeats it. */
export function candleLook() {
  const up = token("up");
  const down = token("down");
  return {
    upColor: token("surface"),
    borderUpColor: up,
    wickUpColor: up,
    downColor: down,
    borderDownColor: down,
    wickDownColor: down,
  };
}

/** A candle in which nothing was traded. */
export function idleLook() {
  const color = token("control");
  return { color, borderColor: color, wickColor: color };
}

/** A step of the histogram: above or below its zero line, and a paler one where it shrinks. */
export const histogramColor = (value, isShrinking) =>
  token(value >= 0 ? (isShrinking ? "z1" : "z2") : isShrinking ? "n1" : "n2");
