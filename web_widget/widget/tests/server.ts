import { ApiError, WidgetApi, memoryStore, type Row, type SocketLike } from "@jieli/protocol";
import { ChatSession } from "../src/chat/session.ts";

type Frame = Record<string, unknown> & { t: string };

/** The other end, as a script: an HTTP API over a list of rows, and the socket's frames. */
export class ScriptedServer {
  sent: Frame[] = [];
  conversation = false;
  rated: number | null = null;
  status = "with_bot";
  history: Row[] = [];
  down = false;
  readByAgent = 0;
  sockets: SocketLike[] = [];
  events: [string, unknown][] = [];
  readonly store = memoryStore();
  private seq = 0;

  head() {
    return { id: "c1", status: this.status, version: 1, last_seq: this.seq, language: "en", agent: null, position: null, rated: this.rated, agent_read_seq: this.readByAgent };
  }

  private respond(path: string): unknown {
    if (this.down) throw new TypeError("offline");
    if (path.endsWith("/session"))
      return {
        visitor: { id: "v1", secret: "s1" },
        epoch: "e1",
        conversation: this.conversation ? this.head() : null,
        inbox: {
          id: "default",
          name: "Shop",
          languages: ["zh-CN", "en"],
          look: {},
          availability: "online",
          texts: { "zh-CN": { title: "云杉客服", greeting: "您好", suggestions: ["怎么退货？"] }, en: { title: "Spruce", greeting: "Hello", suggestions: ["How do I return it?"] } },
        },
      };
    if (path.endsWith("/ticket")) return { ticket: "t1" };
    if (path.includes("/messages")) return { messages: this.history, more: false };
    this.conversation = true;
    return this.head();
  }

  session(locale: "zh-CN" | "en" = "en"): ChatSession {
    const answer = (url: unknown) => {
      try {
        return Promise.resolve(new Response(JSON.stringify(this.respond(String(url)))));
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new ApiError(0, "unreachable", ""));
      }
    };
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const server = this;
    class Line implements SocketLike {
      onopen: ((event: never) => void) | null = null;
      onmessage: ((event: never) => void) | null = null;
      onclose: ((event: never) => void) | null = null;
      constructor() {
        server.sockets.push(this);
        queueMicrotask(() => this.onopen?.({} as never));
      }
      send(data: string) {
        server.receive(JSON.parse(data) as Frame);
      }
      close() {
        this.onclose = null;
      }
    }
    const api = new WidgetApi(() => ({ id: "v1", secret: "s1" }), { fetch: answer as typeof fetch });
    return new ChatSession({
      inbox: "default",
      socketUrl: "ws://x",
      store: this.store,
      locale: () => locale,
      api,
      WebSocket: Line as never,
      notify: (event, detail) => this.events.push([event, detail]),
    });
  }

  receive(frame: Frame) {
    this.sent.push(frame);
    if (frame.t === "hello") this.say({ t: "welcome", session: "s", user: "v1", role: "visitor", epoch: "e1" });
    if (frame.t === "sub") this.say({ t: "subd", conv: "c1", recovered: true, from: frame.after, to: frame.after });
    if (frame.t === "act") this.say({ t: "ack", cid: frame.cid });
  }

  say(frame: Frame) {
    this.sockets.at(-1)?.onmessage?.({ data: JSON.stringify(frame) } as never);
  }

  make(from: string, kind: string, body: Record<string, unknown>, extra: object = {}): Row {
    this.seq += 1;
    return { conv: "c1", seq: this.seq, id: `m${this.seq}`, from, kind, body, ts: 1_700_000_000_000 + this.seq, ...extra };
  }

  row(...args: Parameters<ScriptedServer["make"]>) {
    this.say({ t: "msg", ...this.make(...args) });
  }

  event(event: string, extra: object = {}) {
    this.row("system", "event", { event, text_zh: "", text_en: "", ...extra });
  }

  of(type: string): Frame[] {
    return this.sent.filter((frame) => frame.t === type);
  }
}
