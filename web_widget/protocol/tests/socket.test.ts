import { beforeEach, describe, expect, test } from "vitest";
import { ApiError, JieliSocket, memoryStore, type Msg, type Store } from "../src/index.ts";
import { Line, TestClock, row, settle, subd } from "./fakes.ts";

let [clock, store, rows]: [TestClock, Store, number[]] = [new TestClock(), memoryStore(), []];

beforeEach(() => {
  Line.all = [];
  clock = new TestClock();
  store = memoryStore();
  rows = [];
});

function client(ticket: () => Promise<string> = () => Promise.resolve("ticket")) {
  const socket = new JieliSocket({ url: "ws://x/ws/visitor", ticket, WebSocket: Line, clock, store });
  socket.on("row", (got: Msg) => rows.push(got.seq));
  return socket;
}

async function following() {
  const socket = client();
  socket.follow("c1");
  socket.connect();
  await settle();
  Line.last.welcome();
  Line.last.say(subd(0, 0));
  return socket;
}

describe("receiving", () => {
  test("the first frame is hello with the ticket, and sub follows welcome", async () => {
    await following();
    expect(Line.last.sent[0]).toEqual({ t: "hello", v: 1, ticket: "ticket", lang: "zh-CN" });
    expect(Line.last.sent[1]).toEqual({ t: "sub", conv: "c1", after: 0, epoch: null });
  });

  test("repeated and reordered rows are handed on once and in order", async () => {
    await following();
    Line.last.say(row(1), row(3), row(1), row(2), row(3));
    await clock.pass(1_000);
    expect(rows).toEqual([1, 2, 3]);
    expect(Line.last.of("sub")).toHaveLength(1);
  });

  test("a row that stays missing for 200 ms is asked for", async () => {
    await following();
    Line.last.say(row(1), row(4));
    await clock.pass(199);
    expect(Line.last.of("sub")).toHaveLength(1);
    await clock.pass(1);
    expect(Line.last.of("sub")[1]).toEqual({ t: "sub", conv: "c1", after: 1, epoch: "e1" });
    Line.last.say(subd(1, 4), row(2), row(3), row(4));
    expect(rows).toEqual([1, 2, 3, 4]);
  });

  test("a long replay is fetched page by page", async () => {
    await following();
    Line.last.say(subd(0, 2, { more: true }), row(1), row(2));
    expect(Line.last.of("sub")[1]).toMatchObject({ after: 2 });
  });

  test("after a reconnect it goes on where it stopped", async () => {
    await following();
    Line.last.say(row(1), row(2));
    Line.last.hangUp(1006);
    await clock.pass(1_000);
    Line.last.welcome();
    expect(Line.last.of("sub")).toEqual([{ t: "sub", conv: "c1", after: 2, epoch: "e1" }]);
    Line.last.say(subd(2, 3), row(3));
    expect(rows).toEqual([1, 2, 3]);
  });

  test("a changed epoch asks for a reload and then goes on from what was loaded", async () => {
    const socket = await following();
    Line.last.say(row(1), row(2));
    const reloads: string[] = [];
    socket.on("reload", (head) => reloads.push(head.conv));
    Line.last.hangUp(1006);
    await clock.pass(1_000);
    Line.last.welcome("e2");
    Line.last.say(subd(0, 1, { recovered: false }), row(3));
    expect(reloads).toEqual(["c1"]);
    expect(rows).toEqual([1, 2]);
    socket.restart("c1", 1);
    expect(Line.last.of("sub").at(-1)).toEqual({ t: "sub", conv: "c1", after: 1, epoch: "e2" });
    Line.last.say(subd(1, 2), row(2));
    expect(rows).toEqual([1, 2, 2]);
  });

  test("pieces of an answer are put together, and a snapshot repairs a hole", async () => {
    const socket = await following();
    const texts: string[] = [];
    socket.on("stream", ({ text }) => texts.push(text));
    const piece = (n: number, text: string, extra = {}) => ({ t: "delta", conv: "c1", stream: "s", n, text, ...extra });
    Line.last.say(piece(0, "a"), piece(1, "b"), piece(1, "b"), piece(3, "d"), piece(3, "abcd", { snapshot: true }), piece(4, "e"));
    expect(texts).toEqual(["a", "ab", "abcd", "abcde"]);
  });
});

describe("sending", () => {
  test("a message waits for its ack, and the next for it", async () => {
    const socket = await following();
    const first = socket.say("c1", "one");
    const second = socket.say("c1", "two");
    expect(Line.last.of("send").map((frame) => frame.cid)).toEqual([first.frame.cid]);
    Line.last.say({ t: "ack", cid: first.frame.cid, seq: 1 });
    expect(Line.last.of("send").map((frame) => frame.cid)).toEqual([first.frame.cid, second.frame.cid]);
    expect(first.state).toBe("done");
  });

  test("a connection lost in the middle sends the same cid again", async () => {
    const socket = await following();
    const { frame } = socket.say("c1", "hello");
    Line.last.hangUp(1006);
    await clock.pass(1_000);
    expect(Line.all).toHaveLength(2);
    Line.last.welcome();
    expect(Line.last.of("send").map((sent) => sent.cid)).toEqual([frame.cid]);
    Line.last.say({ t: "ack", cid: frame.cid, seq: 1, dup: true });
    expect(socket.outbox.list()).toEqual([]);
    expect(store.keys()).toEqual([]);
  });

  test("what was unconfirmed when the page was closed is sent by the next one", async () => {
    const before = client();
    const { frame } = before.say("c1", "do not lose me");
    const after = client();
    after.connect();
    await settle();
    Line.last.welcome();
    expect(Line.last.of("send")).toEqual([frame]);
  });

  test("the row itself confirms, when the ack was lost", async () => {
    const socket = await following();
    const entry = socket.say("c1", "hello");
    Line.last.say(row(1, { from: "visitor", cid: entry.frame.cid }));
    expect(entry.state).toBe("done");
  });

  test("a busy server is asked again after its own delay; a refusal is final and can be retried as new", async () => {
    const socket = await following();
    const entry = socket.say("c1", "hello");
    Line.last.say({ t: "nack", cid: entry.frame.cid, code: "busy", text: "", retry_ms: 700 });
    await clock.pass(700);
    expect(Line.last.of("send")).toHaveLength(2);
    Line.last.say({ t: "nack", cid: entry.frame.cid, code: "too_long", text: "too long" });
    expect(entry).toMatchObject({ state: "failed", error: { code: "too_long" } });
    const again = socket.retry(entry.frame.cid);
    expect(again?.frame.cid).not.toBe(entry.frame.cid);
    expect(Line.last.of("send").at(-1)).toMatchObject({ body: { text: "hello" } });
  });

  test("no answer in ten seconds: the same frame goes again on the living socket", async () => {
    const { cid } = (await following()).say("c1", "hello").frame;
    await clock.pass(10_000);
    expect(Line.last.of("send").map((frame) => frame.cid)).toEqual([cid, cid]);
  });

  test("a command resolves with the data of its ack or rejects with the refusal", async () => {
    const socket = await following();
    const accepted = socket.act("accept", "c1", { entry: "q1" });
    Line.last.say({ t: "ack", cid: Line.last.of("act")[0]?.cid, data: { version: 3 } });
    await expect(accepted).resolves.toEqual({ version: 3 });
    const lost = socket.act("accept", "c1", { entry: "q2" });
    Line.last.say({ t: "nack", cid: Line.last.of("act")[1]?.cid, code: "taken", text: "Taken" });
    await expect(lost).rejects.toMatchObject({ code: "taken" });
    expect(socket.outbox.list()).toEqual([]);
  });
});

describe("the connection", () => {
  test.each([1007, 1009, 4501, 4502, 4503, 4504])("close code %i ends it", async (code) => {
    const socket = await following();
    Line.last.hangUp(code);
    await clock.pass(120_000);
    expect(Line.all).toHaveLength(1);
    expect(socket.connection.state).toBe("closed");
  });

  test.each([1001, 1006, 4001, 4100, 4101, 4102, 4103, 4104])("close code %i is tried again", async (code) => {
    await following();
    Line.last.hangUp(code);
    await clock.pass(5_000);
    expect(Line.all.length).toBeGreaterThan(1);
  });

  test("a refused ticket is replaced, but not for ever", async () => {
    const socket = client();
    socket.connect();
    for (let tries = 0; tries < 3; tries += 1) {
      await clock.pass(5_000);
      Line.last.hangUp(4500);
    }
    await clock.pass(60_000);
    expect(Line.all).toHaveLength(3);
    expect(socket.connection).toMatchObject({ state: "closed", reason: "bad_ticket" });
  });

  test("the back-off doubles with full jitter up to 20 s, and bye.retry_ms wins", async () => {
    const socket = await following();
    const delays: number[] = [];
    socket.on("connection", ({ retryAt }) => retryAt && delays.push(retryAt - clock.now()));
    for (let fall = 0; fall < 8; fall += 1) {
      Line.last.hangUp(1006);
      await clock.pass(delays.at(-1) ?? 0);
    }
    expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    Line.last.welcome();
    Line.last.say({ t: "bye", code: 4104, retry_ms: 1_234 });
    Line.last.hangUp(4104);
    expect(delays.at(-1)).toBe(1_234);
  });

  test("it pings every 25 s, answers pings, and leaves a socket that is silent for 8 s", async () => {
    await following();
    Line.last.say({ t: "ping", n: 7 });
    expect(Line.last.of("pong")).toEqual([{ t: "pong", n: 7 }]);
    await clock.pass(25_000);
    Line.last.say({ t: "pong", n: 1 });
    await clock.pass(25_000);
    expect(Line.last.of("ping")).toHaveLength(2);
    const silent = Line.last;
    await clock.pass(8_500);
    expect(silent.closed).toBe(true);
    expect(Line.all).toHaveLength(2);
  });

  test("wake asks a living socket at once and dials when waiting", async () => {
    const socket = await following();
    socket.wake();
    expect(Line.last.of("ping")).toHaveLength(1);
    Line.last.hangUp(1006);
    socket.wake();
    await clock.pass(0);
    expect(Line.all).toHaveLength(2);
  });

  test("an unknown visitor ends it; an unreachable server does not", async () => {
    let answer: () => Promise<string> = () => Promise.reject(new ApiError(0, "unreachable", ""));
    const socket = client(() => answer());
    socket.connect();
    await clock.pass(100);
    expect(socket.connection.state).toBe("waiting");
    answer = () => Promise.reject(new ApiError(401, "bad_visitor", ""));
    await clock.pass(5_000);
    expect(socket.connection).toMatchObject({ state: "closed", reason: "unauthorised" });
  });
});
