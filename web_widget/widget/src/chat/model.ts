import type { EventName } from "../shared/messages.ts";
import { asEvent, type Connection, type Entry, type Head, type Inbox, type Row } from "@jieli/protocol";

/** A message of the visitor's that is not yet a row of the log. */
export interface Outgoing {
  cid: string;
  text: string;
  state: "sending" | "failed";
  error?: string;
}

export interface QueueView {
  position: number;
  size: number;
  low: number | null;
  high: number | null;
}

export interface ChatState {
  phase: "starting" | "ready" | "failed";
  inbox: Inbox | null;
  head: Head | null;
  /** Rows known so far, oldest first. */
  rows: Row[];
  /** There are older rows to load. */
  more: boolean;
  outgoing: Outgoing[];
  /** The answer in the making. */
  stream: { id: string; text: string } | null;
  thinking: boolean;
  /** Who of the agents is typing. */
  typing: string | null;
  queue: QueueView | null;
  /** A request for a person is on its way. */
  asking: boolean;
  /** A refusal to tell the visitor about. */
  problem: string | null;
  /** The agents have seen everything up to this seq. */
  seen: number;
  connection: Connection;
  thumbs: Record<number, boolean>;
}

export const initial: ChatState = {
  phase: "starting",
  inbox: null,
  head: null,
  rows: [],
  more: false,
  outgoing: [],
  stream: null,
  thinking: false,
  typing: null,
  queue: null,
  asking: false,
  problem: null,
  seen: 0,
  connection: { state: "idle" },
  thumbs: {},
};

const isAnswer = (row: Row) => row.kind === "text" && (row.from === "bot" || row.from === "agent");

/** Rows that the visitor should be told about when the chat is closed. */
export const countsAsUnread = isAnswer;

/** What one row of the log makes of the conversation's head. */
function headAfter(head: Head, row: Row): Head {
  const next = { ...head, last_seq: Math.max(head.last_seq, row.seq) };
  if (row.kind !== "event") return next;
  const event = asEvent(row);
  switch (event.event) {
    case "queued":
    case "requeued":
      return { ...next, status: "queued", agent: null };
    case "assigned":
      return { ...next, status: "with_agent", agent: { id: String(event.agent ?? ""), name: String(event.agent_name ?? row.name ?? "") }, position: null };
    case "returned_to_bot":
    case "reopened":
      return { ...next, status: "with_bot", agent: null, position: null, rated: null };
    case "resolved":
      return { ...next, status: "resolved", position: null };
    case "rated":
      return { ...next, rated: Number(event.score) || true };
    default:
      return next;
  }
}

/** The state after a live row: pure. */
export function withRow(state: ChatState, row: Row): ChatState {
  const head = state.head && headAfter(state.head, row);
  const answered = isAnswer(row) || row.kind === "bot_failed" || row.kind === "event";
  return {
    ...state,
    head,
    rows: [...state.rows, row],
    outgoing: state.outgoing.filter((item) => item.cid !== row.cid),
    stream: row.stream && row.stream === state.stream?.id ? null : row.kind === "event" || row.kind === "bot_failed" ? null : state.stream,
    thinking: state.thinking && !answered,
    typing: row.from === "agent" ? null : state.typing,
    queue: head?.status === "queued" ? state.queue : null,
    asking: state.asking && row.kind !== "event",
  };
}

/** Waiting while nobody is at the desk: the server said so, and no estimate has come since. */
export function nobodyHere(state: ChatState): boolean {
  const latest = state.rows.findLast((row) => row.kind === "event");
  return state.head?.status === "queued" && latest !== undefined && asEvent(latest).event === "nobody_available" && (state.queue?.high ?? null) === null;
}

export function queueOf(at: NonNullable<Head["position"]>): QueueView {
  return { position: at.position, size: at.size, low: at.wait_low_ms ?? null, high: at.wait_high_ms ?? null };
}

/** What the host page is told about a row that moves the conversation between bot and people. */
export function handoffEvent(row: Row, before: Head | null, after: Head | null): [EventName, unknown] | null {
  if (row.kind !== "event") return null;
  const { event } = asEvent(row);
  if (event === "queued") return ["handoff:requested", {}];
  if (event === "assigned") return ["handoff:accepted", { agent: after?.agent?.name }];
  const over = event === "returned_to_bot" || event === "resolved";
  return over && before?.status !== "with_bot" ? ["handoff:ended", { how: event }] : null;
}

/** The state after a message in the outbox changed. */
export function withEntry(state: ChatState, entry: Entry): ChatState {
  const { frame } = entry;
  if (frame.t !== "send") return state;
  if (entry.state === "done") return state;
  const item: Outgoing = {
    cid: frame.cid,
    text: frame.body.text,
    state: entry.state === "failed" ? "failed" : "sending",
    ...(entry.error ? { error: entry.error.text } : {}),
  };
  const known = state.outgoing.some(({ cid }) => cid === item.cid);
  const outgoing = known ? state.outgoing.map((old) => (old.cid === item.cid ? item : old)) : [...state.outgoing, item];
  return { ...state, outgoing };
}

/** A value that components follow. */
export class Store<T> {
  private readonly listeners = new Set<() => void>();

  constructor(public value: T) {}

  set(change: Partial<T> | ((value: T) => T)): void {
    this.value = typeof change === "function" ? change(this.value) : { ...this.value, ...change };
    for (const listener of [...this.listeners]) listener();
  }

  follow(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
