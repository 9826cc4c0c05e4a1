// The server's clock, as well as this page can tell. Ages are taken by it, never by when a
// message happened to arrive, and never by a browser's clock that may be wrong.

let offset = 0; // server minus browser, ms
let quickest = Infinity; // round trip behind the present offset, ms

export const now = () => Date.now() + offset;

/** Take a question sent and answered; the quicker the round trip, the better the estimate. */
export function measured(sent, server, received) {
  const trip = received - sent;
  quickest *= 1.2; // an old measurement counts less and less: clocks drift
  if (trip < 0 || trip > quickest) return;
  quickest = Math.max(1, trip);
  offset = server + trip / 2 - received;
}
