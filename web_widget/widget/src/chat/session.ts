import { ApiError, JieliSocket, WidgetApi, systemClock, type Clock, type Head, type Msg, type Row, type ServerFrame, type SocketLike, type Store as Kept, type VisitorKey } from "@jieli/protocol";
import type { EventName, Locale } from "../shared/messages.ts";
import { Store, countsAsUnread, initial, withEntry, withRow, type ChatState } from "./model.ts";

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

const RETRY_START_MS = 3_000;
/** Without any sign of an answer in this time the dots go away. */
const THINKING_MS = 60_000;
const TYPING_MS = 6_000;

/** The visitor's side of one inbox: who they are, their conversation, and everything they can do in it. */
export class ChatSession extends Store<ChatState> {
  readonly api: WidgetApi;
  private socket: JieliSocket | null = null;
  private identity: unknown = null;
  private attributes: Record<string, unknown> = {};
  private visible = false;
  private opening: Promise<Head> | null = null;
  private loadingOlder = false;
  private stopThinking = () => {};
  private stopTyping = () => {};
  private readonly clock: Clock;

  constructor(private readonly options: SessionOptions) {
    super(initial);
    this.clock = options.clock ?? systemClock;
    this.api = options.api ?? new WidgetApi(() => this.key, { language: options.locale });
  }

  /** Signs in (a new visitor when there is none), loads the history and connects; tries again until it works. */
  async start(): Promise<void> {
    try {
      await this.enter();
    } catch (error) {
      if (error instanceof ApiError && error.fatal && this.key) {
        this.key = null;
        return this.start();
      }
      this.set({ phase: "failed" });
      this.options.notify("error", { code: error instanceof ApiError ? error.code : "unreachable" });
      this.clock.after(RETRY_START_MS, () => void this.start());
    }
  }

  say(text: string): void {
    void this.conversation().then(
      (head) => {
        this.socket?.say(head.id, text);
        if (head.status === "with_bot" || head.status === "resolved") this.think();
      },
      () => {
        const item = { cid: `local-${this.clock.now()}`, text, state: "failed" as const };
        this.set((state) => ({ ...state, outgoing: [...state.outgoing, item] }));
      },
    );
  }

  retry(cid: string): void {
    const item = this.value.outgoing.find((entry) => entry.cid === cid);
    this.forget(cid);
    if (!this.socket?.retry(cid) && item) this.say(item.text);
  }

  discard(cid: string): void {
    this.socket?.outbox.remove(cid);
    this.forget(cid);
  }

  async requestHuman(reason?: string): Promise<void> {
    if (this.value.asking || ["queued", "with_agent"].includes(this.value.head?.status ?? "")) return;
    this.set({ asking: true, thinking: false });
    try {
      await this.act("request_human", reason ? { reason } : {});
    } finally {
      this.set({ asking: false });
    }
  }

  stayWithBot = () => this.act("stay_with_bot");
  leaveMessage = (contact: string, text: string) => this.act("leave_message", { contact, text });
  rate = (score: number, comment: string) => this.act("rate", { score, ...(comment ? { comment } : {}) });
  end = () => this.act("end");

  feedback(seq: number, helpful: boolean): void {
    const thumbs = { ...this.value.thumbs, [seq]: helpful };
    this.set({ thumbs });
    this.keep("thumbs", JSON.stringify({ conv: this.value.head?.id, thumbs }));
    void this.act("feedback", { seq, helpful });
  }

  typing(on: boolean, preview: string): void {
    const { head } = this.value;
    if (head && head.status !== "resolved") this.socket?.typing(head.id, on, on ? preview : undefined);
  }

  /** A fresh page: the next message opens a new conversation. */
  startNew(): void {
    if (this.value.head) this.socket?.unfollow(this.value.head.id);
    const { inbox, connection } = this.value;
    this.set({ ...initial, phase: "ready", inbox, connection });
  }

  async older(): Promise<void> {
    const { head, rows, more } = this.value;
    if (!head || !more || this.loadingOlder) return;
    this.loadingOlder = true;
    try {
      const page = await this.api.messages(head.id, rows[0]?.seq);
      this.set((state) => ({ ...state, rows: [...page.messages, ...state.rows], more: page.more }));
    } finally {
      this.loadingOlder = false;
    }
  }

  show(open: boolean): void {
    this.visible = open;
    this.markRead();
  }

  wake = () => this.socket?.wake();
  reconnect = () => this.socket?.connect();

  async identify(identity: unknown): Promise<void> {
    this.identity = identity;
    if (this.value.phase === "ready") await this.start();
  }

  setAttributes(attributes: Record<string, unknown>): void {
    this.attributes = { ...this.attributes, ...attributes };
    void this.identify({ ...(this.identity as object | null), attributes: this.attributes });
  }

  /** Logs out: the next person at this browser sees nothing of this one. */
  async reset(): Promise<void> {
    this.socket?.close();
    this.socket = null;
    this.identity = null;
    for (const key of this.options.store.keys()) if (key.startsWith("jieli.")) this.options.store.remove(key);
    this.options.active?.(false);
    this.set({ ...initial });
    await this.start();
  }

  private async enter(): Promise<void> {
    const { inbox, page, locale } = this.options;
    const key = this.key;
    const request = { inbox, language: locale(), ...(page ? { page } : {}), ...(key ? { visitor: key } : {}) };
    const session = await this.api.session(this.identity ? { ...request, identity: this.identity } : request);
    if (session.visitor.secret) this.key = { id: session.visitor.id, secret: session.visitor.secret };
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
    const { position: at } = head;
    const queue = at && { position: at.position, size: at.size, low: at.wait_low_ms ?? null, high: at.wait_high_ms ?? null };
    this.set({ head, rows, more: page.more, queue, thumbs: this.thumbsOf(head.id) });
    this.options.active?.(true);
    const last = rows.at(-1)?.seq ?? 0;
    if (epoch === null) this.socket?.restart(head.id, last);
    else this.socket?.follow(head.id, last, epoch);
    this.markRead();
  }

  private dial(): JieliSocket {
    const { socketUrl: url, store, locale, WebSocket, clock } = this.options;
    const outboxPrefix = `jieli.out.${this.key?.id ?? ""}.`;
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
    if (row.kind === "event") this.tellHandoff(row, before);
    if (row.kind === "text") this.options.notify("message", { from: row.from, text: row.body.text, seq: row.seq });
    this.markRead();
  }

  private tellHandoff(row: Msg, before: Head | null): void {
    const { event } = row.body;
    if (event === "queued") this.options.notify("handoff:requested", {});
    if (event === "assigned") this.options.notify("handoff:accepted", { agent: this.value.head?.agent?.name });
    if ((event === "returned_to_bot" || event === "resolved") && before?.status !== "with_bot") this.options.notify("handoff:ended", { how: event });
  }

  private onFrame(frame: ServerFrame): void {
    if ("conv" in frame && frame.conv !== this.value.head?.id) return;
    if (frame.t === "thinking") {
      if (frame.on === false) this.set({ thinking: false });
      else this.think();
    } else if (frame.t === "typing") this.agentTypes(frame.on === false ? null : (frame.name ?? this.value.head?.agent?.name ?? ""));
    else if (frame.t === "read") this.set((state) => ({ ...state, seen: Math.max(state.seen, frame.seq) }));
    else if (frame.t === "queue.position") {
      const queue = { position: frame.position, size: frame.size, low: frame.wait_low_ms ?? null, high: frame.wait_high_ms ?? null };
      this.set({ queue });
      this.options.notify("handoff:queued", queue);
    } else if (frame.t === "nack") this.options.notify("error", { code: frame.code, text: frame.text });
  }

  private agentTypes(name: string | null): void {
    this.stopTyping();
    this.set({ typing: name });
    if (name !== null)
      this.stopTyping = this.clock.after(TYPING_MS, () => {
        this.set({ typing: null });
      });
  }

  private think(): void {
    this.stopThinking();
    this.set({ thinking: true });
    this.stopThinking = this.clock.after(THINKING_MS, () => {
      this.set({ thinking: false });
    });
  }

  private conversation(): Promise<Head> {
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

  private async act(action: string, data: Record<string, unknown> = {}): Promise<void> {
    const head = await this.conversation();
    await this.socket?.act(action, head.id, data, true);
  }

  private forget(cid: string): void {
    this.set((state) => ({ ...state, outgoing: state.outgoing.filter((item) => item.cid !== cid) }));
  }

  private markRead(): void {
    const { head, rows } = this.value;
    const last = rows.at(-1);
    if (!head || !last) return;
    const read = Number(this.kept(`read.${head.id}`) ?? 0);
    if (this.visible && last.seq > read) {
      this.keep(`read.${head.id}`, String(last.seq));
      this.socket?.read(head.id, last.seq);
    }
    const unread = this.visible ? 0 : rows.filter((row: Row) => row.seq > read && countsAsUnread(row)).length;
    this.options.notify("unread", { count: unread });
  }

  private thumbsOf(conv: string): Record<number, boolean> {
    const { conv: of, thumbs } = JSON.parse(this.kept("thumbs") ?? "{}") as { conv?: string; thumbs?: Record<number, boolean> };
    return of === conv ? (thumbs ?? {}) : {};
  }

  private get key(): VisitorKey | null {
    return JSON.parse(this.kept("visitor") ?? "null") as VisitorKey | null;
  }

  private set key(key: VisitorKey | null) {
    this.keep("visitor", JSON.stringify(key));
  }

  private kept(name: string): string | null {
    return this.options.store.get(`jieli.${this.options.inbox}.${name}`);
  }

  private keep(name: string, value: string): void {
    this.options.store.set(`jieli.${this.options.inbox}.${name}`, value);
  }
}
