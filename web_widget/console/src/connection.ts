/** The one socket of the desk, wired to the store. */
import { JieliSocket, webStore, type Entry, type Send } from "@jieli/protocol";
import { api } from "./lib/api";
import { addPage, addPending, dropPending, failPending, lastSeq, markRead, setStream } from "./state/log";
import { logOf, offer, withLog, type Desk } from "./state/desk";
import { useSettings } from "./state/settings";
import { deskNow, useStore, type Net } from "./state/store";

let socket: JieliSocket | null = null;
const followed = new Set<string>();

function address(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/desk`;
}

const update = (change: (desk: Desk) => Desk) => useStore.getState().update(change);

/** What went on while the socket was away: standing offers, the team, lists. */
async function catchUp(): Promise<void> {
  const [offers, agents] = await Promise.all([api.offers().catch(() => []), api.agents().catch(() => [])]);
  update((d) => {
    const team = Object.fromEntries(agents.map((a) => [a.id, { ...d.team[a.id], ...a }]));
    const fresh: Desk = { ...d, offers: [], team };
    const known = offers.reduce<Desk>((sum, frame) => offer(sum, { ...frame, t: "queue.offered" }), fresh);
    return { ...known, staleList: d.staleList + 1, staleQueue: d.staleQueue + 1 };
  });
}

function outbox(entry: Entry): void {
  if (entry.frame.t !== "send") return;
  const frame: Send = entry.frame;
  update((d) =>
    withLog(d, frame.conv, (log) => {
      if (entry.state === "done") return followed.has(frame.conv) ? log : dropPending(log, frame.cid); // the row settles it
      const kind = frame.kind === "note" ? "note" : "text";
      const shown = log.pending.some((p) => p.cid === frame.cid)
        ? log
        : addPending(log, { cid: frame.cid, kind, text: frame.body.text, ts: entry.at });
      return entry.state === "failed" ? failPending(shown, frame.cid, entry.error?.text ?? "") : shown;
    }),
  );
}

function make(user: string): JieliSocket {
  const made = new JieliSocket({
    url: address(),
    ticket: () => api.ticket(),
    language: () => useSettings.getState().language,
    store: webStore(() => localStorage),
    outboxPrefix: `jieli.desk.out.${user}.`,
  });
  const { setNet, apply } = useStore.getState();
  made.on("connection", ({ state, reason }) => {
    const net: Net =
      state === "closed" ? { state: "closed", reason: reason ?? "" } : { state: state === "open" ? "online" : state === "idle" ? "connecting" : state };
    setNet(net);
    if (state === "open") void catchUp();
  });
  made.on("row", (row) => apply(row));
  made.on("frame", (frame) => apply(frame));
  made.on("stream", ({ conv, stream, text }) => update((d) => withLog(d, conv, (log) => setStream(log, stream, text))));
  made.on("reload", (head) => void load(head.conv).then((last) => made.restart(head.conv, last)));
  made.on("outbox", outbox);
  return made;
}

const wake = () => {
  if (!document.hidden) socket?.wake();
};

export function connect(): void {
  const user = useStore.getState().session?.agent.id;
  if (!user) return;
  socket ??= make(user);
  for (const entry of socket.outbox.list()) outbox(entry);
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  socket.connect();
}

export function disconnect(): void {
  document.removeEventListener("visibilitychange", wake);
  window.removeEventListener("online", wake);
  socket?.close();
  socket = null;
  followed.clear();
}

/** Fetches the newest page of a transcript; gives the last seq that is known then. */
async function load(conv: string): Promise<number> {
  const page = await api.messages(conv);
  update((d) => withLog(d, conv, (log) => addPage(log, page.messages, page.more)));
  return lastSeq(logOf(deskNow(), conv));
}

/** Older rows before the first known one. */
export async function loadOlder(conv: string): Promise<void> {
  const first = logOf(deskNow(), conv).rows[0]?.seq;
  if (first === undefined) return;
  const page = await api.messages(conv, first);
  update((d) => withLog(d, conv, (log) => addPage(log, page.messages, page.more)));
}

/** Shows a conversation: its newest page once, then everything after it, live. */
export async function follow(conv: string): Promise<void> {
  if (followed.has(conv)) return;
  followed.add(conv);
  try {
    const last = await load(conv);
    if (followed.has(conv)) socket?.follow(conv, last);
  } catch (error) {
    followed.delete(conv);
    throw error;
  }
}

/** Stops following what is neither open nor one's own. */
export function tidy(keep: ReadonlySet<string>): void {
  for (const conv of [...followed]) {
    if (keep.has(conv)) continue;
    followed.delete(conv);
    socket?.unfollow(conv);
    update((d) => ({ ...d, logs: Object.fromEntries(Object.entries(d.logs).filter(([id]) => id !== conv)) }));
  }
}

export function act(action: string, conv: string | null, data: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  return socket ? socket.act(action, conv, data) : Promise.reject(new Error("offline"));
}

export function say(conv: string, text: string, kind: "text" | "note"): void {
  socket?.say(conv, text, kind);
}

/** Sends a refused message again. */
export function again(conv: string, cid: string): void {
  update((d) => withLog(d, conv, (log) => dropPending(log, cid)));
  socket?.retry(cid);
}

export function typing(conv: string, on: boolean): void {
  socket?.typing(conv, on);
}

export function read(conv: string, seq: number): void {
  socket?.read(conv, seq);
  const me = useStore.getState().session?.agent.id ?? "";
  update((d) => withLog(d, conv, (log) => markRead(log, me, seq)));
}
