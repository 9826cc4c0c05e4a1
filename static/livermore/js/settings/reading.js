// Which section is being read: its link in the side list is marked.
// Rule 1: it is the last one whose head has passed a line across the window. Near the end of the page
//   the line goes down to the window's foot, so that the last sections get their turn.
// Rule 2: one that was chosen in the list is the one as long as it stands where that brought it.

import { $$, setAttribute } from "../dom.js";

const LINE = 0.4; // of the window's height: what is above it has been reached
const AT_TOP_PX = 80; // a chosen section stands below the page's bar

export function followReading() {
  const links = new Map($$(".st-nav a").map((link) => [link.dataset.section, link]));
  const sections = $$(".st-section");
  let chosen = null;
  let isAwaited = false;

  function draw() {
    isAwaited = false;
    const page = document.documentElement;
    const left = page.scrollHeight - innerHeight - scrollY;
    const line = Math.max(innerHeight * LINE, innerHeight - left);
    const passed = sections.filter((section) => section.getBoundingClientRect().top <= line);
    if (chosen && !stands(chosen, left)) chosen = null;
    const read = chosen ?? passed.at(-1) ?? sections[0];
    for (const [name, link] of links) {
      setAttribute(link, "aria-current", name === read.dataset.section && "true");
    }
  }

  function soon() {
    if (!isAwaited) requestAnimationFrame(draw);
    isAwaited = true;
  }

  for (const [name, link] of links) {
    link.addEventListener("click", () => {
      chosen = sections.find((section) => section.dataset.section === name);
      soon(); // also where there is nothing to scroll
    });
  }
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon);
  draw();
}

/** As far up as it can be, or at least in sight where the page ends. */
function stands(section, left) {
  const { top } = section.getBoundingClientRect();
  return top >= 0 && (top <= AT_TOP_PX || (left < 1 && top < innerHeight));
}
