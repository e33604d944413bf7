import { CLOSE_CODES } from "./frames.gen.ts";
import type { Clock } from "./clock.ts";

export const BACKOFF_BASE_MS = 500;
export const BACKOFF_CAP_MS = 20_000;
/** A server that shuts down sends everybody away at once; they come back spread over this. */
const SHUTDOWN_SPREAD_MS = 5_000;
const SHUTDOWN_CODES = new Set([1001, 4001]);
const BAD_TICKET = 4500;
const BAD_TICKET_TRIES = 3;

/** What to do after a socket closed. */
export type Verdict = { again: true; delay: number } | { again: false; name: string };

export interface Closing {
  code: number;
  /** How many connections in a row failed before this one, from 0. */
  attempt: number;
  /** The server's wish from `bye` or a nack; it wins over the back-off. */
  retryMs?: number;
  /** How many tickets in a row were refused, this one included. */
  refusedTickets: number;
}

/** Full jitter: anything between nothing and the cap that grows with each attempt, in milliseconds. */
export function backoff(attempt: number, clock: Clock): number {
  return clock.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 16));
}

/** Reconnect or not, and when. Codes outside the table are network accidents and are tried again. */
export function judgeClose(closing: Closing, clock: Clock): Verdict {
  const known = CLOSE_CODES[closing.code];
  if (closing.code === BAD_TICKET && closing.refusedTickets < BAD_TICKET_TRIES)
    return { again: true, delay: backoff(closing.attempt, clock) };
  if (known && !known.reconnect) return { again: false, name: known.name };
  const jitter = SHUTDOWN_CODES.has(closing.code) ? clock.random() * SHUTDOWN_SPREAD_MS : 0;
  if (closing.retryMs) return { again: true, delay: closing.retryMs + jitter };
  return { again: true, delay: jitter || backoff(closing.attempt, clock) };
}
