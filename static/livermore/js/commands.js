// Commands: sent over HTTP, answered over the socket. Never optimistic.
// send(command, payload) promises what became of it. On the bus of live.js, "sent" and "progress"
// tell every step of every command of this page, also a result that comes after the promise.

import { emit, on } from "./live.js";
import { commandAddress, ofThisPage, renew, token } from "./page.js";
import { hasReached, known, want } from "./runtime.js";

const POLL_MS = 2_000; // the socket is the fast way to a result, the address the sure one
const PATIENCE_MS = 10_000;
const CATCH_UP_MS = 1_000;
const SENDING_MS = 30_000; // a line may end without a word of it
const SHORT_PATIENCE_MS = 1_500; // when no runtime is there to answer

const waiting = new Map(); // command id -> takes its answers
const early = new Map(); // answers that overtook the response to our own request

let serial = 0;

/**
 * Send a command and wait for its own result.
 *
 * Resolves to {status, message, data, ms}. `status` is succeeded, failed, expired (the runtime's
 * word); recorded (in the database, not yet applied); unanswered; refused (nothing was sent).
 */
export async function send(command, payload = {}) {
  const key = ++serial;
  const began = performance.now();
  const tell = (change) => emit("progress", { key, ...change });
  emit("sent", { key, command, payload, at: Date.now(), status: "sent" });
  const outcome = await carryOut(command, payload, tell);
  outcome.ms = performance.now() - began;
  tell(outcome);
  if (outcome.data) await statusWith(outcome.data);
  return outcome;
}

/** The status follows its answer within moments: until then the page would contradict itself. */
function statusWith(promised) {
  return new Promise((resolve) => {
    const check = () => hasReached(promised) && finish();
    const finish = () => {
      end();
      resolve();
    };
    const end = on("status", check);
    setTimeout(finish, CATCH_UP_MS);
    check();
  });
}

async function carryOut(command, payload, tell) {
  const posted = await post(command, payload);
  if (!posted.commandId) {
    return { status: posted.isLost ? "unanswered" : "refused", message: posted.message };
  }
  if (posted.desired) {
    want(posted.desired);
    emit("desired");
  }
  tell({ id: posted.commandId });
  const unsettled = posted.desired ? "recorded" : "unanswered";
  if (!posted.sent) return { status: unsettled, message: posted.message };
  const outcome = await resultOf(posted.commandId, tell);
  return outcome ?? { status: unsettled };
}

const FORBIDDEN = 403;
const UNREACHABLE = { message: "The server could not be reached. Nothing was sent." };
const LOST = { isLost: true, message: "The server did not answer: whether it was sent is not known." };

async function post(command, payload) {
  const isOffline = !navigator.onLine; // then nothing is sent at all
  let response = await postOnce(command, payload);
  // A later sign-in of the same person has another token.
  if (response?.status === FORBIDDEN && (await renew()) === "same") response = await postOnce(command, payload);
  if (!response) return isOffline ? UNREACHABLE : LOST;
  if (response.type === "opaqueredirect") return { message: "You are signed out." };
  try {
    if (response.headers.get("Content-Type")?.startsWith("application/json")) return await response.json();
  } catch {
    return LOST;
  }
  return { message: `The server answered ${response.status}. Reload the page and try again.` };
}

/** The server's response; null where there is none. */
async function postOnce(command, payload) {
  const body = new URLSearchParams({ command });
  for (const [name, value] of Object.entries(payload)) {
    for (const one of [value].flat()) body.append(name, one);
  }
  try {
    return await fetch(commandAddress, {
      method: "POST",
      headers: {
        Accept: "application/json",
        "X-CSRFToken": token(),
        ...ofThisPage,
      },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(SENDING_MS),
    });
  } catch {
    return null;
  }
}

/** The result of one command, from whichever way it comes first; null when patience ends. */
function resultOf(id, tell) {
  return new Promise((resolve) => {
    const patience = known.absent ? SHORT_PATIENCE_MS : PATIENCE_MS;
    const polling = setInterval(async () => take(await poll(id)), POLL_MS);
    const ending = setTimeout(() => finish(null), patience);
    function finish(outcome) {
      clearInterval(polling);
      clearTimeout(ending);
      resolve(outcome);
    }
    function take(answer) {
      if (!answer) return;
      if (answer.status === "acknowledged") {
        tell({ status: "acknowledged" });
        return;
      }
      waiting.delete(id);
      const { status, message, data } = answer;
      tell({ status, message }); // also when it comes after our patience ended
      finish({ status, message, data });
    }
    waiting.set(id, take);
    for (const answer of early.get(id) ?? []) take(answer);
    early.delete(id);
  });
}

async function poll(id) {
  const address = new URL(`result/${id}`, new URL(commandAddress, location.href));
  try {
    const response = await fetch(address, { redirect: "manual" });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

on("answer", (message) => {
  const take = waiting.get(message.commandId);
  if (take) {
    take(message);
    return;
  }
  early.set(message.commandId, [...(early.get(message.commandId) ?? []), message]);
  if (early.size > 50) early.delete(early.keys().next().value); // other pages' commands
});
