import { PING_MS, VERSION } from "./frames.gen.ts";
import type { ClientFrame, ServerFrame } from "./frames.gen.ts";
import type { Clock } from "./clock.ts";
import { backoff, judgeClose } from "./reconnect.ts";

/** The part of the browser's WebSocket that is used. */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

export interface LinkOptions {
  url: string;
  /** Fetches a fresh single-use ticket; an error with `fatal: true` ends the connection for good. */
  ticket: () => Promise<string>;
  language?: () => string;
  WebSocket?: new (url: string) => SocketLike;
}

export type ConnectionState = "idle" | "connecting" | "open" | "waiting" | "closed";
export interface Connection {
  state: ConnectionState;
  /** When the next attempt is made, milliseconds since 1970, while waiting. */
  retryAt?: number;
  /** Name of the close code, once closed. */
  reason?: string;
}

export interface LinkActions {
  connection(connection: Connection): void;
  welcomed(epoch: string): void;
  lost(): void;
  frame(frame: ServerFrame): void;
}

const PONG_TIMEOUT_MS = 8_000;
const WELCOME_TIMEOUT_MS = 10_000;
const STEADY_MS = 60_000;

/** The life of the connection: ticket, hello, heartbeats, and coming back after it is lost. */
export class Link {
  connection: Connection = { state: "idle" };
  private readonly timers = new Map<string, () => void>();
  private socket: SocketLike | null = null;
  /** Counts the sockets, so that a ticket that comes late is not used for a later one. */
  private generation = 0;
  private attempt = 0;
  private refusedTickets = 0;
  private retryMs: number | undefined;
  private pings = 0;

  constructor(
    private readonly options: LinkOptions,
    private readonly clock: Clock,
    private readonly act: LinkActions,
  ) {}

  connect(): void {
    if (this.connection.state === "idle" || this.connection.state === "closed") void this.dial();
  }

  close(): void {
    this.drop();
    this.become({ state: "idle" });
  }

  wake(): void {
    if (this.connection.state === "waiting") void this.dial();
    else if (this.connection.state === "open") this.ping();
  }

  /** False when there is no open connection; the frame is then not sent. */
  transmit(frame: ClientFrame): boolean {
    if (!this.socket || this.connection.state !== "open") return false;
    this.socket.send(JSON.stringify(frame));
    return true;
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
    if (generation === this.generation) this.open(ticket);
  }

  private open(ticket: string): void {
    const Socket = this.options.WebSocket ?? (WebSocket as unknown as new (url: string) => SocketLike);
    const socket = new Socket(this.options.url);
    this.socket = socket;
    this.timer("welcome", WELCOME_TIMEOUT_MS, () => {
      this.lost(1006);
    });
    socket.onopen = () => {
      const lang = this.options.language?.() ?? "zh-CN";
      socket.send(JSON.stringify({ t: "hello", v: VERSION, ticket, lang } satisfies ClientFrame));
    };
    socket.onmessage = (event: { data: unknown }) => {
      if (this.socket === socket && typeof event.data === "string") this.receive(JSON.parse(event.data) as ServerFrame);
    };
    socket.onclose = (event: { code: number }) => {
      if (this.socket === socket) this.lost(event.code);
    };
  }

  private receive(frame: ServerFrame): void {
    if (frame.t === "ping") this.transmit({ t: "pong", n: frame.n ?? 0 });
    else if (frame.t === "pong") this.cancel("pong");
    else {
      if (frame.t === "bye") this.retryMs = frame.retry_ms;
      if (frame.t === "welcome") this.welcome(frame.epoch, frame.ping ?? PING_MS);
      this.act.frame(frame);
    }
  }

  private welcome(epoch: string, pingMs: number): void {
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
    this.act.welcomed(epoch);
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
    this.act.lost();
    socket?.close();
  }

  private become(connection: Connection): void {
    this.connection = connection;
    this.act.connection(connection);
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
