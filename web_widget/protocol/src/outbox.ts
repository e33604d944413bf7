import type { Act, Nack, Send } from "./frames.gen.ts";
import type { Clock } from "./clock.ts";
import type { Store } from "./storage.ts";

export type OutboxState = "waiting" | "sending" | "failed" | "done";

/** One action of the user that the server has not confirmed yet. */
export interface Entry {
  frame: Send | Act;
  at: number;
  state: OutboxState;
  error?: { code: string; text: string };
}

/** No answer in this time on a living socket: the frame is sent again with the same cid. */
export const ACK_MS = 10_000;
const RETRY_DEFAULT_MS = 1_000;
const TRANSIENT = new Set(["busy", "server_busy", "rate_limited"]);

export interface OutboxActions {
  /** False when there is no open socket. */
  transmit(frame: Send | Act): boolean;
  changed(entry: Entry): void;
}

const lane = (entry: Entry) => entry.frame.conv ?? "";

/** Actions by cid, kept until acknowledged; per conversation one at a time, so that their order holds. */
export class Outbox {
  private readonly entries = new Map<string, Entry>();
  private readonly timers = new Map<string, () => void>();

  constructor(
    private readonly store: Store,
    private readonly prefix: string,
    private readonly clock: Clock,
    private readonly act: OutboxActions,
  ) {
    const kept = store
      .keys()
      .filter((key) => key.startsWith(prefix))
      .flatMap((key) => this.parse(key));
    for (const entry of kept.sort((a, b) => a.at - b.at)) this.entries.set(entry.frame.cid, entry);
  }

  /** Everything not confirmed, oldest first. */
  list(): readonly Entry[] {
    return [...this.entries.values()];
  }

  /** Takes an action on; `keep` also over a reload of the page. */
  add(frame: Send | Act, keep: boolean): Entry {
    const last = Math.max(0, ...this.list().map((entry) => entry.at));
    const entry: Entry = { frame, at: Math.max(this.clock.now(), last + 1), state: "waiting" };
    this.entries.set(frame.cid, entry);
    if (keep) this.store.set(this.prefix + frame.cid, JSON.stringify({ frame, at: entry.at }));
    this.act.changed(entry);
    this.pump();
    return entry;
  }

  /** Sends what may be sent: the first of each lane that is neither failed nor on its way. */
  pump(): void {
    const busy = new Set<string>();
    for (const entry of this.entries.values()) {
      if (entry.state === "failed" || busy.has(lane(entry))) continue;
      busy.add(lane(entry));
      if (entry.state === "waiting" && !this.timers.has(entry.frame.cid) && this.act.transmit(entry.frame)) {
        this.set(entry, "sending");
        this.wait(entry, ACK_MS);
      }
    }
  }

  /** The socket is gone: what was on its way must go again. */
  disconnected(): void {
    for (const cid of [...this.timers.keys()]) this.clear(cid);
    for (const entry of this.entries.values()) if (entry.state === "sending") this.set(entry, "waiting");
  }

  /** Confirmed, by an ack or by the row itself. */
  done(cid: string): Entry | null {
    const entry = this.remove(cid);
    if (entry) this.set(entry, "done");
    this.pump();
    return entry;
  }

  /** Refused. Transient refusals are tried again by themselves; then false is returned. */
  refused(cid: string, nack: Nack): boolean {
    const entry = this.entries.get(cid);
    if (!entry) return false;
    this.clear(cid);
    if (nack.retry_ms || TRANSIENT.has(nack.code)) {
      this.set(entry, "waiting");
      this.wait(entry, nack.retry_ms || RETRY_DEFAULT_MS);
      return false;
    }
    entry.error = { code: nack.code, text: nack.text };
    this.set(entry, "failed");
    this.pump();
    return true;
  }

  /** Takes an entry out: to try again under a new cid, or to forget it. */
  remove(cid: string): Entry | null {
    const entry = this.entries.get(cid) ?? null;
    this.clear(cid);
    this.entries.delete(cid);
    this.store.remove(this.prefix + cid);
    return entry;
  }

  private wait(entry: Entry, ms: number): void {
    const { cid } = entry.frame;
    const cancel = this.clock.after(ms, () => {
      this.timers.delete(cid);
      if (entry.state === "sending") entry.state = "waiting";
      this.pump();
    });
    this.timers.set(cid, cancel);
  }

  private clear(cid: string): void {
    this.timers.get(cid)?.();
    this.timers.delete(cid);
  }

  private set(entry: Entry, state: OutboxState): void {
    entry.state = state;
    this.act.changed(entry);
  }

  private parse(key: string): Entry[] {
    try {
      const { frame, at } = JSON.parse(this.store.get(key) ?? "") as { frame: Send | Act; at: number };
      return [{ frame, at, state: "waiting" }];
    } catch {
      this.store.remove(key);
      return [];
    }
  }
}
