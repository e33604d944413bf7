import type { Act, Msg, Nack, ServerFrame, Subd } from "./frames.gen.ts";
import { newId, systemClock, type Clock } from "./clock.ts";
import { Cursor } from "./cursor.ts";
import { Emitter } from "./emitter.ts";
import { Link, type Connection, type LinkOptions } from "./link.ts";
import { Outbox, type Entry } from "./outbox.ts";
import { memoryStore, type Store } from "./storage.ts";
import { Streams } from "./streams.ts";

export interface SocketOptions extends LinkOptions {
  clock?: Clock;
  /** Where unconfirmed actions wait over a reload, under keys that begin with `outboxPrefix`. */
  store?: Store;
  outboxPrefix?: string;
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

/** The server refused an action; nothing changed there. */
export class Refused extends Error {
  constructor(readonly nack: Nack) {
    super(nack.text);
    this.name = "Refused";
  }

  get code(): string {
    return this.nack.code;
  }
}

type Data = Record<string, unknown>;

/** A connection that is kept alive: log rows come exactly once and in order, actions arrive exactly once. */
export class JieliSocket extends Emitter<SocketEvents> {
  /** The server's database generation, from its welcome. */
  epoch: string | null = null;
  readonly outbox: Outbox;
  private readonly clock: Clock;
  private readonly link: Link;
  private readonly cursors = new Map<string, Cursor>();
  private readonly streams = new Streams();
  private readonly promises = new Map<string, { resolve: (data: Data) => void; reject: (error: Refused) => void }>();

  constructor(options: SocketOptions) {
    super();
    this.clock = options.clock ?? systemClock;
    this.outbox = new Outbox(options.store ?? memoryStore(), options.outboxPrefix ?? "jieli.out.", this.clock, {
      transmit: (frame) => this.link.transmit(frame),
      changed: (entry) => {
        this.emit("outbox", entry);
      },
    });
    this.link = new Link(options, this.clock, {
      connection: (connection) => {
        this.emit("connection", connection);
      },
      welcomed: (epoch) => {
        this.welcomed(epoch);
      },
      lost: () => {
        for (const cursor of this.cursors.values()) cursor.stop();
        this.outbox.disconnected();
      },
      frame: (frame) => {
        this.receive(frame);
      },
    });
  }

  get connection(): Connection {
    return this.link.connection;
  }

  connect(): void {
    this.link.connect();
  }

  /** Ends the connection; what is unconfirmed stays in the outbox. */
  close(): void {
    this.link.close();
  }

  /** The page became visible or the network came back: find out at once whether the socket lives. */
  wake(): void {
    this.link.wake();
  }

  /** Follows a conversation from the row after `after`. */
  follow(conv: string, after = 0, epoch: string | null = null): void {
    if (this.cursors.has(conv)) return;
    const cursor = new Cursor(after, epoch, this.clock, {
      subscribe: (from, known) => this.link.transmit({ t: "sub", conv, after: from, epoch: known }),
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
    if (this.cursors.delete(conv)) this.link.transmit({ t: "unsub", conv });
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

  /**
   * A command. Resolves with the ack's data; rejects with `Refused`. `keep` lets it survive a reload of the page
   * (then nobody is told the outcome but the log).
   */
  act(action: string, conv: string | null = null, data: Data = {}, keep = false): Promise<Data> {
    const frame: Act = { t: "act", cid: newId(), action, ...(conv === null ? {} : { conv }), data };
    return new Promise((resolve, reject) => {
      this.promises.set(frame.cid, { resolve, reject });
      this.outbox.add(frame, keep);
    });
  }

  /** Ephemeral: lost when there is no connection. */
  typing(conv: string, on: boolean, preview?: string): void {
    this.link.transmit({ t: "typing", conv, on, ...(preview === undefined ? {} : { preview }) });
  }

  read(conv: string, seq: number): void {
    this.link.transmit({ t: "read", conv, seq });
  }

  private welcomed(epoch: string): void {
    this.epoch = epoch;
    for (const cursor of this.cursors.values()) cursor.subscribe();
    this.outbox.pump();
  }

  private receive(frame: ServerFrame): void {
    switch (frame.t) {
      case "subd":
        this.emit("head", frame);
        this.cursors.get(frame.conv)?.subscribed(frame, this.epoch);
        return;
      case "msg":
        this.cursors.get(frame.conv)?.receive(frame);
        return;
      case "delta": {
        const text = this.streams.take(frame);
        if (text !== null) this.emit("stream", { conv: frame.conv, stream: frame.stream, text });
        return;
      }
      case "ack":
        this.confirm(frame.cid, frame.data ?? {});
        break;
      case "nack":
        this.refuse(frame);
        break;
      default:
    }
    this.emit("frame", frame);
  }

  private confirm(cid: string, data: Data): void {
    if (!this.outbox.done(cid)) return;
    this.promises.get(cid)?.resolve(data);
    this.promises.delete(cid);
  }

  private refuse(nack: Nack): void {
    if (!nack.cid || !this.outbox.refused(nack.cid, nack)) return;
    const entry = this.outbox.list().find(({ frame }) => frame.cid === nack.cid);
    if (entry?.frame.t !== "act") return;
    this.outbox.remove(nack.cid);
    this.promises.get(nack.cid)?.reject(new Refused(nack));
    this.promises.delete(nack.cid);
  }
}
