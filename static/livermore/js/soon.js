// What is asked for many times at once, and done once.

const SOON_MS = 250;

/** A function that runs once for many calls, a moment after the first, and never beside itself. */
export function soon(run) {
  let timer = null;
  let running = false;
  async function go() {
    timer = null;
    if (running) return again();
    running = true;
    try {
      await run();
    } finally {
      running = false;
    }
  }
  function again() {
    timer ??= setTimeout(go, SOON_MS);
  }
  return again;
}
