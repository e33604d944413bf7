import { JieliSocket, WidgetApi, systemClock, type Clock, type Head, type Msg, type Row, type ServerFrame, type SocketLike, type Store as Kept } from "@jieli/protocol";
import type { EventName, Locale } from "../shared/messages.ts";
import { Memory } from "./memory.ts";
import { Store, countsAsUnread, handoffEvent, initial, queueOf, withEntry, withRow, type ChatState } from "./model.ts";

export interface SessionOptions {
  inbox: string;
  page?: string;
  socketUrl: string;
  store: Kept;
  locale: () => Locale;
  /** Tells the host page. */
  notify: (event: EventName, detail: unknown) => void;
  active?: (active: boolean) => void;
  api?: WidgetApi;
  WebSocket?: new (url: string) => SocketLike;
  clock?: Clock;
}

/** Without any sign of an answer in this time the dots go away. */
const THINKING_MS = 60_000;
const TYPING_MS = 6_000;

/** What comes in: who the visitor is, their conversation and its history, live rows and signals, as one state. */
export class ChatFeed extends Store<ChatState> {
  readonly api: WidgetApi;
  protected socket: JieliSocket | null = null;
  protected identity: unknown = null;
  protected visible = false;
  private opening: Promise<Head> | null = null;
  private stopThinking: (() => void) | null = null;
  private stopTyping: (() => void) | null = null;
  protected readonly clock: Clock;
  protected readonly memory: Memory;

  constructor(protected readonly options: SessionOptions) {
    super(initial);
    this.clock = options.clock ?? systemClock;
    this.memory = new Memory(options.store, options.inbox);
    this.api = options.api ?? new WidgetApi(() => this.memory.visitor, { language: options.locale });
  }

  protected async enter(): Promise<void> {
    const { inbox, page, locale } = this.options;
    const key = this.memory.visitor;
    const request = { inbox, language: locale(), ...(page ? { page } : {}), ...(key ? { visitor: key } : {}) };
    const session = await this.api.session(this.identity ? { ...request, identity: this.identity } : request);
    if (session.visitor.secret) this.memory.visitor = { id: session.visitor.id, secret: session.visitor.secret };
    this.socket?.close();
    this.socket = this.dial();
    const head = session.conversation;
    this.set({ ...initial, phase: "ready", inbox: session.inbox, thumbs: this.value.thumbs });
    if (head) await this.load(head, session.epoch);
    for (const entry of this.socket.outbox.list()) this.set((state) => withEntry(state, entry));
    this.socket.connect();
  }

  private async load(head: Head, epoch: string | null): Promise<void> {
    const page = await this.api.messages(head.id);
    const rows = page.messages;
    const queue = head.position && queueOf(head.position);
    this.set({ head, rows, more: page.more, queue, thumbs: this.memory.thumbs(head.id), seen: Math.max(this.value.seen, head.agent_read_seq ?? 0) });
    this.options.active?.(true);
    const last = rows.at(-1)?.seq ?? 0;
    if (epoch === null) this.socket?.restart(head.id, last);
    else this.socket?.follow(head.id, last, epoch);
    this.markRead();
  }

  private dial(): JieliSocket {
    const { socketUrl: url, store, locale, WebSocket, clock } = this.options;
    const outboxPrefix = `jieli.out.${this.memory.visitor?.id ?? ""}.`;
    const socket = new JieliSocket({ url, ticket: () => this.api.ticket(), language: locale, store, outboxPrefix, WebSocket, clock });
    socket.on("connection", (connection) => {
      this.set({ connection });
    });
    socket.on("row", (row) => {
      this.onRow(row);
    });
    socket.on("outbox", (entry) => {
      this.set((state) => withEntry(state, entry));
    });
    socket.on("stream", ({ stream, text }) => {
      this.set({ stream: { id: stream, text }, thinking: false });
    });
    socket.on("reload", () => void this.reload());
    socket.on("frame", (frame) => {
      this.onFrame(frame);
    });
    return socket;
  }

  private async reload(): Promise<void> {
    const conv = this.value.head?.id;
    if (conv) await this.load(await this.api.head(conv), null);
  }

  private onRow(row: Msg): void {
    const before = this.value.head;
    this.set((state) => withRow(state, row));
    const told = handoffEvent(row, before, this.value.head);
    if (told) this.options.notify(...told);
    if (row.kind === "text") this.options.notify("message", { from: row.from, text: row.body.text, seq: row.seq });
    this.markRead();
  }

  private onFrame(frame: ServerFrame): void {
    if ("conv" in frame && frame.conv !== this.value.head?.id) return;
    if (frame.t === "thinking") {
      if (frame.on === false) this.set({ thinking: false });
      else this.think();
    } else if (frame.t === "typing") this.agentTypes(frame.on === false ? null : (frame.name ?? this.value.head?.agent?.name ?? ""));
    else if (frame.t === "read") this.set((state) => ({ ...state, seen: Math.max(state.seen, frame.seq) }));
    else if (frame.t === "queue.position") {
      const queue = queueOf(frame);
      this.set({ queue });
      this.options.notify("handoff:queued", queue);
    } else if (frame.t === "nack") this.options.notify("error", { code: frame.code, text: frame.text });
  }

  private agentTypes(name: string | null): void {
    this.stopTyping?.();
    this.set({ typing: name });
    if (name !== null)
      this.stopTyping = this.clock.after(TYPING_MS, () => {
        this.set({ typing: null });
      });
  }

  protected think(): void {
    this.stopThinking?.();
    this.set({ thinking: true });
    this.stopThinking = this.clock.after(THINKING_MS, () => {
      this.set({ thinking: false });
    });
  }

  protected conversation(): Promise<Head> {
    if (this.value.head) return Promise.resolve(this.value.head);
    this.opening ??= this.api
      .open(this.options.locale())
      .then((head) => {
        this.set({ head, rows: [] });
        this.options.active?.(true);
        this.socket?.follow(head.id, 0, this.socket.epoch);
        return head;
      })
      .finally(() => {
        this.opening = null;
      });
    return this.opening;
  }

  protected markRead(): void {
    const { head, rows } = this.value;
    const last = rows.findLast(countsAsUnread);
    if (!head || !last) return;
    const read = this.memory.read(head.id);
    if (this.visible && last.seq > read) {
      this.memory.setRead(head.id, last.seq);
      this.socket?.read(head.id, last.seq);
    }
    const unread = this.visible ? 0 : rows.filter((row: Row) => row.seq > read && countsAsUnread(row)).length;
    this.options.notify("unread", { count: unread });
  }
}
