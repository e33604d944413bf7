import { PING_MS, VERSION } from "./frames.gen.ts";
import type { Act, ClientFrame, Msg, Nack, Send, ServerFrame, Subd } from "./frames.gen.ts";
import { newId, systemClock, type Clock } from "./clock.ts";
import { Cursor } from "./cursor.ts";
import { Emitter } from "./emitter.ts";
import { Outbox, type Entry } from "./outbox.ts";
import { backoff, judgeClose } from "./reconnect.ts";
import { memoryStore, type Store } from "./storage.ts";
import { Streams } from "./streams.ts";

/** The part of the browser's WebSocket that is used. */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

export interface SocketOptions {
  url: string;
  /** Fetches a fresh single-use ticket; an error with `fatal: true` ends the connection for good. */
  ticket: () => Promise<string>;
  language?: () => string;
  WebSocket?: new (url: string) => SocketLike;
  clock?: Clock;
  /** Where unconfirmed actions wait over a reload, under keys that begin with `outboxPrefix`. */
  store?: Store;
  outboxPrefix?: string;
}

export type ConnectionState = "idle" | "connecting" | "open" | "waiting" | "closed";
export interface Connection {
  state: ConnectionState;
  /** When the next attempt is made, milliseconds since 1970, while waiting. */
  retryAt?: number;
  /** Name of the close code, once closed. */
  reason?: string;
}

export interface SocketEvents {
  connection: Connection;
  /** Rows, each once, in order, per conversation. */
  row: Msg;
  head: Subd;
  /** The conversation must be loaded by HTTP; then call `restart`. */
  reload: Subd;
  /** An action of one's own changed its state. */
  outbox: Entry;
  /** An answer in the making: all of its text so far. */
  stream: { conv: string; stream: string; text: string };
  /** Every other frame of the server. */
  frame: ServerFrame;
}

export class Refused extends Error {
  constructor(readonly nack: Nack) {
    super(nack.text);
    this.name = "Refused";
  }
  get code(): string {
    return this.nack.code;
  }
}

const PONG_TIMEOUT_MS = 8_000;
const WELCOME_TIMEOUT_MS = 10_000;
const STEADY_MS = 60_000;

/** One connection that is kept alive: log rows come exactly once and in order, actions arrive exactly once. */
export class JieliSocket extends Emitter<SocketEvents> {
  connection: Connection = { state: "idle" };
  epoch: string | null = null;
  readonly outbox: Outbox;
  private readonly clock: Clock;
  private readonly cursors = new Map<string, Cursor>();
  private readonly streams = new Streams();
  private readonly promises = new Map<string, { resolve: (data: Record<string, unknown>) => void; reject: (error: Refused) => void }>();
  private readonly timers = new Map<string, () => void>();
  private socket: SocketLike | null = null;
  private generation = 0;
  private attempt = 0;
  private refusedTickets = 0;
  private retryMs: number | undefined;
  private pings = 0;

  constructor(private readonly options: SocketOptions) {
    super();
    this.clock = options.clock ?? systemClock;
    this.outbox = new Outbox(options.store ?? memoryStore(), options.outboxPrefix ?? "jieli.out.", this.clock, {
      transmit: (frame) => this.transmit(frame),
      changed: (entry) => {
        this.emit("outbox", entry);
      },
    });
  }

  connect(): void {
    if (this.connection.state === "idle" || this.connection.state === "closed") void this.dial();
  }

  /** Ends the connection; what is unconfirmed stays in the outbox. */
  close(): void {
    this.drop();
    this.become({ state: "idle" });
  }

  /** The page became visible or the network came back: find out at once whether the socket lives. */
  wake(): void {
    if (this.connection.state === "waiting") void this.dial();
    else if (this.connection.state === "open") this.ping();
  }

  /** Follows a conversation from the row after `after`. */
  follow(conv: string, after = 0, epoch: string | null = null): void {
    if (this.cursors.has(conv)) return;
    const cursor = new Cursor(after, epoch, this.clock, {
      subscribe: (from, known) => this.transmit({ t: "sub", conv, after: from, epoch: known }),
      apply: (row) => {
        if (row.stream) this.streams.end(row.stream);
        if (row.cid) this.confirm(row.cid, {});
        this.emit("row", row);
      },
      reload: (head) => {
        this.emit("reload", head);
      },
    });
    this.cursors.set(conv, cursor);
    if (this.connection.state === "open") cursor.subscribe();
  }

  /** After a reload by HTTP: rows up to `after` are known. */
  restart(conv: string, after: number): void {
    this.cursors.get(conv)?.restart(after, this.epoch);
  }

  unfollow(conv: string): void {
    this.cursors.get(conv)?.stop();
    if (this.cursors.delete(conv)) this.transmit({ t: "unsub", conv });
  }

  /** Queues a message; its state comes as `outbox` events. */
  say(conv: string, text: string, kind = "text"): Entry {
    return this.outbox.add({ t: "send", cid: newId(), conv, kind, body: { text } }, true);
  }

  /** Sends a refused message again, as a new one. */
  retry(cid: string): Entry | null {
    const old = this.outbox.remove(cid);
    return old && this.outbox.add({ ...old.frame, cid: newId() }, true);
  }

  /** A command. Resolves with the ack's data; rejects with `Refused`. `keep` lets it survive a reload of the page. */
  act(action: string, conv: string | null = null, data: Record<string, unknown> = {}, keep = false): Promise<Record<string, unknown>> {
    const frame: Act = { t: "act", cid: newId(), action, ...(conv === null ? {} : { conv }), data };
    return new Promise((resolve, reject) => {
      this.promises.set(frame.cid, { resolve, reject });
      this.outbox.add(frame, keep);
    });
  }

  /** Ephemeral: lost when there is no connection. */
  typing(conv: string, on: boolean, preview?: string): void {
    this.transmit({ t: "typing", conv, on, ...(preview === undefined ? {} : { preview }) });
  }

  read(conv: string, seq: number): void {
    this.transmit({ t: "read", conv, seq });
  }

  private async dial(): Promise<void> {
    this.drop();
    const generation = this.generation;
    this.become({ state: "connecting" });
    let ticket: string;
    try {
      ticket = await this.options.ticket();
    } catch (error) {
      if (generation !== this.generation) return;
      if ((error as { fatal?: boolean }).fatal) this.become({ state: "closed", reason: "unauthorised" });
      else this.retryIn(backoff(this.attempt++, this.clock));
      return;
    }
    if (generation !== this.generation) return;
    const Socket = this.options.WebSocket ?? (WebSocket as unknown as new (url: string) => SocketLike);
    const socket = new Socket(this.options.url);
    this.socket = socket;
    this.timer("welcome", WELCOME_TIMEOUT_MS, () => {
      this.lost(1006);
    });
    socket.onopen = () => {
      this.write(socket, { t: "hello", v: VERSION, ticket, lang: this.options.language?.() ?? "zh-CN" });
    };
    socket.onmessage = (event: { data: unknown }) => {
      if (this.socket === socket && typeof event.data === "string") this.receive(event.data);
    };
    socket.onclose = (event: { code: number }) => {
      if (this.socket === socket) this.lost(event.code);
    };
  }

  private receive(data: string): void {
    const frame = JSON.parse(data) as ServerFrame;
    switch (frame.t) {
      case "welcome":
        this.welcome(frame.epoch, frame.ping ?? PING_MS);
        break;
      case "subd":
        this.emit("head", frame);
        this.cursors.get(frame.conv)?.subscribed(frame, this.epoch);
        return;
      case "msg":
        this.cursors.get(frame.conv)?.receive(frame);
        return;
      case "ack":
        this.confirm(frame.cid, frame.data ?? {});
        break;
      case "nack":
        this.refuse(frame);
        break;
      case "delta": {
        const text = this.streams.take(frame);
        if (text !== null) this.emit("stream", { conv: frame.conv, stream: frame.stream, text });
        return;
      }
      case "ping":
        this.transmit({ t: "pong", n: frame.n ?? 0 });
        return;
      case "pong":
        this.cancel("pong");
        return;
      case "bye":
        this.retryMs = frame.retry_ms;
        break;
      default:
    }
    this.emit("frame", frame);
  }

  private welcome(epoch: string, pingMs: number): void {
    this.epoch = epoch;
    this.refusedTickets = 0;
    this.retryMs = undefined;
    this.cancel("welcome");
    this.become({ state: "open" });
    this.timer("steady", STEADY_MS, () => {
      this.attempt = 0;
    });
    const beat = () => {
      this.ping();
      this.timer("ping", pingMs, beat);
    };
    this.timer("ping", pingMs, beat);
    for (const cursor of this.cursors.values()) cursor.subscribe();
    this.outbox.pump();
  }

  private confirm(cid: string, data: Record<string, unknown>): void {
    if (!this.outbox.done(cid)) return;
    this.promises.get(cid)?.resolve(data);
    this.promises.delete(cid);
  }

  private refuse(nack: Nack): void {
    if (!nack.cid || !this.outbox.refused(nack.cid, nack)) return;
    const waiting = this.promises.get(nack.cid);
    if (!waiting) return;
    this.promises.delete(nack.cid);
    this.outbox.remove(nack.cid);
    waiting.reject(new Refused(nack));
  }

  private ping(): void {
    if (this.timers.has("pong")) return;
    this.transmit({ t: "ping", n: ++this.pings });
    this.timer("pong", PONG_TIMEOUT_MS, () => {
      this.lost(4100);
    });
  }

  private lost(code: number): void {
    this.drop();
    if (code === 4500) this.refusedTickets += 1;
    const { attempt, retryMs, refusedTickets } = this;
    const verdict = judgeClose({ code, attempt, retryMs, refusedTickets }, this.clock);
    this.attempt += 1;
    this.retryMs = undefined;
    if (verdict.again) this.retryIn(verdict.delay);
    else this.become({ state: "closed", reason: verdict.name });
  }

  private retryIn(delay: number): void {
    this.become({ state: "waiting", retryAt: this.clock.now() + delay });
    this.timer("retry", delay, () => void this.dial());
  }

  private drop(): void {
    this.generation += 1;
    const socket = this.socket;
    this.socket = null;
    for (const name of [...this.timers.keys()]) this.cancel(name);
    for (const cursor of this.cursors.values()) cursor.stop();
    this.outbox.disconnected();
    socket?.close();
  }

  private transmit(frame: ClientFrame): boolean {
    if (!this.socket || this.connection.state !== "open") return false;
    this.write(this.socket, frame);
    return true;
  }

  private write(socket: SocketLike, frame: ClientFrame | Send): void {
    socket.send(JSON.stringify(frame));
  }

  private become(connection: Connection): void {
    this.connection = connection;
    this.emit("connection", connection);
  }

  private timer(name: string, ms: number, fire: () => void): void {
    this.cancel(name);
    const stop = this.clock.after(ms, () => {
      this.timers.delete(name);
      fire();
    });
    this.timers.set(name, stop);
  }

  private cancel(name: string): void {
    this.timers.get(name)?.();
    this.timers.delete(name);
  }
}
