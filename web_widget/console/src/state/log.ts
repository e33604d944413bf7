/** One conversation's transcript as a value; every function gives a new one. No I/O. */
import type { Row } from "../wire";

export interface Pending {
  cid: string;
  kind: "text" | "note";
  text: string;
  ts: number;
  failed?: string;
}

export interface Typist {
  who: string;
  name: string;
  preview: string | null;
  at: number;
}

export interface Log {
  rows: readonly Row[];
  pending: readonly Pending[];
  streams: Readonly<Record<string, string>>;
  thinking: boolean;
  typist: Typist | null;
  readBy: Readonly<Record<string, number>>;
  loaded: boolean;
  more: boolean;
}

export const EMPTY_LOG: Log = {
  rows: [],
  pending: [],
  streams: {},
  thinking: false,
  typist: null,
  readBy: {},
  loaded: false,
  more: false,
};

/** Rows by seq without doubles; drops the pending messages and streams that they settle. */
export function addRows(log: Log, incoming: readonly Row[]): Log {
  if (incoming.length === 0) return log;
  const bySeq = new Map(log.rows.map((row) => [row.seq, row]));
  for (const row of incoming) bySeq.set(row.seq, row);
  const rows = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  const cids = new Set(incoming.map((row) => row.cid).filter(Boolean));
  const ended = new Set(incoming.map((row) => row.stream).filter(Boolean));
  const answered = incoming.some((row) => row.from === "bot" || row.from === "agent");
  const spoke = incoming.some((row) => row.from === "visitor");
  return {
    ...log,
    rows,
    pending: log.pending.filter((item) => !cids.has(item.cid)),
    streams: Object.fromEntries(Object.entries(log.streams).filter(([id]) => !ended.has(id) && !answered)),
    thinking: answered ? false : log.thinking,
    typist: spoke ? null : log.typist,
  };
}

/** A page fetched over HTTP; `more` tells whether older rows exist before it. */
export function addPage(log: Log, rows: readonly Row[], more: boolean): Log {
  return { ...addRows(log, rows), loaded: true, more };
}

export function addPending(log: Log, item: Pending): Log {
  return { ...log, pending: [...log.pending.filter((p) => p.cid !== item.cid), item] };
}

export function failPending(log: Log, cid: string, why: string): Log {
  return { ...log, pending: log.pending.map((p) => (p.cid === cid ? { ...p, failed: why } : p)) };
}

export function dropPending(log: Log, cid: string): Log {
  return { ...log, pending: log.pending.filter((p) => p.cid !== cid) };
}

/** An answer in the making, all of its text so far; one whose row has come is over. */
export function setStream(log: Log, stream: string, text: string): Log {
  if (log.rows.some((row) => row.stream === stream)) return log;
  return { ...log, thinking: false, streams: { ...log.streams, [stream]: text } };
}

export function setTypist(log: Log, typist: Typist | null): Log {
  return { ...log, typist };
}

export function markRead(log: Log, who: string, seq: number): Log {
  if ((log.readBy[who] ?? 0) >= seq) return log;
  return { ...log, readBy: { ...log.readBy, [who]: seq } };
}

export function lastSeq(log: Log): number {
  return log.rows.at(-1)?.seq ?? 0;
}

/** How far the visitor has read: the highest seq that anybody who is not an agent of ours reported. */
export function visitorRead(log: Log): number {
  return log.readBy["visitor"] ?? 0;
}
