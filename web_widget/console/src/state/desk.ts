/** Everything the desk knows, as a value; `reduce` turns frames into the next value. No I/O, no clock. */
import type { Availability, Status, Summary, TeamMember, View, Waiting } from "../lib/types";
import { millis } from "../lib/time";
import type { QueueEnded, QueueOffered, ServerFrame } from "../wire";
import { addRows, EMPTY_LOG, markRead, setTypist, type Log } from "./log";

export interface Item extends Omit<Summary, "last_activity" | "unread"> {
  at: number;
  unread: number;
}

export interface EndedOffer extends QueueEnded {
  visitor_name: string;
  visitor_short: string;
  at: number;
}

export interface Desk {
  me: string;
  items: Readonly<Record<string, Item>>;
  queue: readonly Waiting[];
  waiting: number;
  offers: readonly QueueOffered[];
  ended: readonly EndedOffer[];
  logs: Readonly<Record<string, Log>>;
  team: Readonly<Record<string, TeamMember>>;
  selected: string | null;
  /** Rises when a list on the server is newer than what is known here. */
  staleQueue: number;
  staleList: number;
}

export function emptyDesk(me = ""): Desk {
  return {
    me,
    items: {},
    queue: [],
    waiting: 0,
    offers: [],
    ended: [],
    logs: {},
    team: {},
    selected: null,
    staleQueue: 0,
    staleList: 0,
  };
}

export function logOf(desk: Desk, conv: string): Log {
  return desk.logs[conv] ?? EMPTY_LOG;
}

export function withLog(desk: Desk, conv: string, change: (log: Log) => Log): Desk {
  return { ...desk, logs: { ...desk.logs, [conv]: change(logOf(desk, conv)) } };
}

/** Rows of a fetched list; what a frame already made newer (by seq) is kept. */
export function mergeRows(desk: Desk, rows: readonly Summary[]): Desk {
  const items = { ...desk.items };
  for (const row of rows) {
    const known = items[row.conv];
    const newer = known && known.last_seq > row.last_seq;
    const unread = row.conv === desk.selected ? 0 : Number(row.unread);
    const at = millis(row.last_activity) ?? 0;
    items[row.conv] = newer ? { ...known, visitor_name: row.visitor_name, visitor_short: row.visitor_short, language: row.language } : { ...row, at, unread };
  }
  return { ...desk, items };
}

const inView: Record<View, (item: Item, me: string) => boolean> = {
  mine: (item, me) => item.status === "with_agent" && item.agent === me,
  waiting: (item) => item.status === "queued",
  all: (item) => item.status !== "resolved",
  resolved: (item) => item.status === "resolved",
};

/** The conversations of a view, latest activity first. */
export function listOf(items: Desk["items"], view: View, me: string): Item[] {
  return Object.values(items)
    .filter((item) => inView[view](item, me))
    .sort((a, b) => b.at - a.at || a.conv.localeCompare(b.conv));
}

/** The queue as it will be served: priority first, then who has waited longest. */
export function queueOf(queue: readonly Waiting[]): Waiting[] {
  return [...queue].sort(
    (a, b) => b.priority - a.priority || (millis(a.waiting_since) ?? 0) - (millis(b.waiting_since) ?? 0),
  );
}

export function offer(desk: Desk, frame: QueueOffered): Desk {
  return { ...desk, offers: [...desk.offers.filter((o) => o.entry !== frame.entry), frame] };
}

export function endOffer(desk: Desk, frame: QueueEnded, now: number): Desk {
  const known = desk.offers.find((o) => o.entry === frame.entry);
  const offers = desk.offers.filter((o) => o.entry !== frame.entry);
  if (!known) return { ...desk, staleQueue: desk.staleQueue + 1 };
  const note: EndedOffer = { ...frame, visitor_name: known.visitor_name, visitor_short: known.visitor_short ?? "", at: now };
  const ended = frame.why === "accepted" ? desk.ended : [...desk.ended, note].slice(-5);
  return { ...desk, offers, ended, staleQueue: desk.staleQueue + 1 };
}

export function dropEnded(desk: Desk, entry: string): Desk {
  return { ...desk, ended: desk.ended.filter((e) => e.entry !== entry) };
}

/** Offers whose time ran out while the socket was down. */
export function expireOffers(desk: Desk, now: number): Desk {
  const offers = desk.offers.filter((o) => o.expires > now);
  return offers.length === desk.offers.length ? desk : { ...desk, offers };
}

export function select(desk: Desk, conv: string | null): Desk {
  const item = conv ? desk.items[conv] : undefined;
  const items = item ? { ...desk.items, [item.conv]: { ...item, unread: 0 } } : desk.items;
  return { ...desk, selected: conv, items };
}

/** What stands under the name in a list: what was said, or the event in the desk's language. */
export function previewOf(item: Pick<Item, "preview" | "preview_zh" | "preview_en">, language: "zh-CN" | "en"): string {
  return item.preview || (language === "en" ? item.preview_en : item.preview_zh) || "";
}

/** A frame leaves out what is empty: its three texts count together, and none at all means nothing new. */
function wordsOf(frame: Partial<Pick<Item, "preview" | "preview_zh" | "preview_en">>, known: Item): Pick<Item, "preview" | "preview_zh" | "preview_en"> {
  const { preview = "", preview_zh = "", preview_en = "" } = frame;
  return preview || preview_zh || preview_en ? { preview, preview_zh, preview_en } : { preview: known.preview, preview_zh: known.preview_zh, preview_en: known.preview_en };
}

function changed(desk: Desk, frame: Extract<ServerFrame, { t: "conversation.changed" }>, now: number): Desk {
  const known = desk.items[frame.conv];
  if (!known) return { ...desk, staleList: desk.staleList + 1 };
  if (frame.last_seq < known.last_seq || frame.version < known.version) return desk;
  const grown = frame.last_seq - known.last_seq;
  const item: Item = {
    ...known,
    status: frame.status as Status,
    version: frame.version,
    last_seq: frame.last_seq,
    agent: frame.agent ?? null,
    agent_name: frame.agent ? (desk.team[frame.agent]?.name ?? known.agent_name) : null,
    ...wordsOf(frame, known),
    negative: frame.negative ?? known.negative,
    at: grown > 0 ? now : known.at,
    unread: desk.selected === frame.conv ? 0 : known.unread + Math.max(0, grown),
  };
  return { ...desk, items: { ...desk.items, [frame.conv]: item } };
}

/** The desk after a frame from the server; `now` in milliseconds since 1970. */
export function reduce(desk: Desk, frame: ServerFrame, now: number): Desk {
  switch (frame.t) {
    case "msg":
      return withLog(desk, frame.conv, (log) => addRows(log, [frame]));
    case "thinking":
      return withLog(desk, frame.conv, (log) => ({ ...log, thinking: frame.on ?? true }));
    case "typing": {
      const who = frame.who ?? "visitor";
      const on = frame.on ?? true;
      const typist = on ? { who, name: frame.name ?? "", preview: frame.preview ?? null, at: now } : null;
      return who === desk.me ? desk : withLog(desk, frame.conv, (log) => setTypist(log, typist));
    }
    case "read":
      return withLog(desk, frame.conv, (log) => markRead(log, frame.who ?? "visitor", frame.seq));
    case "queue.offered":
      return offer(desk, frame);
    case "queue.ended":
      return endOffer(desk, frame, now);
    case "queue.changed":
      return { ...desk, waiting: frame.waiting, staleQueue: desk.staleQueue + 1 };
    case "conversation.changed":
      return changed(desk, frame, now);
    case "presence": {
      const known = desk.team[frame.agent];
      const availability = frame.availability as Availability;
      const member: TeamMember = { ...known, id: frame.agent, name: frame.name, availability, active: frame.active, capacity: frame.capacity };
      return { ...desk, team: { ...desk.team, [frame.agent]: member } };
    }
    default:
      return desk;
  }
}
