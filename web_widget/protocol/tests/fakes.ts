import type { Clock, SocketLike } from "../src/index.ts";

/** A clock that moves when told. `chance` is what random() gives. */
export class TestClock implements Clock {
  chance = 0.5;
  private time = 1_000_000;
  private readonly due: { at: number; fire: () => void }[] = [];

  now = () => this.time;
  random = () => this.chance;

  after(ms: number, fire: () => void) {
    const timer = { at: this.time + ms, fire };
    this.due.push(timer);
    return () => {
      const index = this.due.indexOf(timer);
      if (index >= 0) this.due.splice(index, 1);
    };
  }

  /** Lets `ms` pass, with room for promises between the timers. */
  async pass(ms: number) {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const next = this.due.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.due.splice(this.due.indexOf(next), 1);
      this.time = next.at;
      next.fire();
      await settle();
    }
    this.time = end;
  }
}

export async function settle() {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

type Frame = Record<string, unknown> & { t: string };

/** The scripted other end of a socket: what was sent is in `sent`; `say` speaks as the server. */
export class Line implements SocketLike {
  static all: Line[] = [];
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  sent: Frame[] = [];
  closed = false;

  constructor(readonly url: string) {
    Line.all.push(this);
  }

  static get last(): Line {
    const line = Line.all.at(-1);
    if (!line) throw new Error("nobody has dialled");
    return line;
  }

  send(data: string) {
    this.sent.push(JSON.parse(data) as Frame);
  }

  close() {
    this.closed = true;
  }

  say(...frames: Frame[]) {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) } as never);
  }

  welcome(epoch = "e1") {
    this.onopen?.({} as never);
    this.say({ t: "welcome", session: "s", user: "u", role: "visitor", epoch });
  }

  hangUp(code: number) {
    this.onclose?.({ code } as never);
  }

  of(type: string): Frame[] {
    return this.sent.filter((frame) => frame.t === type);
  }
}

export const row = (seq: number, extra: object = {}) => ({
  t: "msg",
  conv: "c1",
  seq,
  id: `m${seq}`,
  from: "bot",
  kind: "text",
  body: { text: `row ${seq}` },
  ts: seq,
  ...extra,
});
export const subd = (from: number, to: number, extra: object = {}) => ({ t: "subd", conv: "c1", recovered: true, from, to, ...extra });
