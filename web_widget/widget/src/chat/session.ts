import { ApiError, Refused } from "@jieli/protocol";
import { ChatFeed } from "./feed.ts";
import { initial } from "./model.ts";
import { wordsOf } from "./words/index.ts";

const RETRY_START_MS = 3_000;

/** The visitor's side of one inbox: the feed, and everything they can do. */
export class ChatSession extends ChatFeed {
  private attributes: Record<string, unknown> = {};
  private loadingOlder = false;

  /** Signs in (a new visitor when there is none), loads the history and connects; tries again until it works. */
  async start(): Promise<void> {
    try {
      await this.enter();
    } catch (error) {
      if (error instanceof ApiError && error.fatal && this.memory.visitor) {
        this.memory.visitor = null;
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
    // An ended conversation cannot be handed over; a new one can.
    if (this.value.head?.status === "resolved") this.startNew();
    this.set({ asking: true, thinking: false });
    await this.attempt("request_human", reason ? { reason } : {});
    this.set({ asking: false });
  }

  stayWithBot = () => this.attempt("stay_with_bot");
  leaveMessage = (contact: string, text: string) => this.act("leave_message", { contact, text });
  rate = (score: number, comment: string) => this.act("rate", { score, ...(comment ? { comment } : {}) });
  end = () => this.attempt("end");

  feedback(seq: number, helpful: boolean): void {
    const thumbs = { ...this.value.thumbs, [seq]: helpful };
    this.set({ thumbs });
    this.memory.setThumbs(this.value.head?.id ?? "", thumbs);
    void this.attempt("feedback", { seq, helpful });
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
    this.memory.forget();
    this.options.active?.(false);
    this.set({ ...initial });
    await this.start();
  }

  dismiss = () => {
    this.set({ problem: null });
  };

  /** An action whose refusal is shown above the conversation. */
  private async attempt(action: string, data: Record<string, unknown> = {}): Promise<void> {
    try {
      await this.act(action, data);
    } catch (error) {
      const code = error instanceof ApiError || error instanceof Refused ? error.code : "failed";
      this.set({ problem: error instanceof Refused ? error.message : wordsOf(this.options.locale()).startFailed });
      this.options.notify("error", { code });
    }
  }

  private async act(action: string, data: Record<string, unknown> = {}): Promise<void> {
    const head = await this.conversation();
    await this.socket?.act(action, head.id, data, true);
  }

  private forget(cid: string): void {
    this.set((state) => ({ ...state, outgoing: state.outgoing.filter((item) => item.cid !== cid) }));
  }
}
