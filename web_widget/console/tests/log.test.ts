// @vitest-environment node
import { describe, expect, it } from "vitest";
import { addPage, addPending, addRows, EMPTY_LOG, failPending, markRead, setStream, visitorRead } from "../src/state/log";
import { row } from "./rows";

describe("a transcript", () => {
  it("stands in the order of seq, however the rows come", () => {
    const log = addRows(addRows(EMPTY_LOG, [row(3), row(1)]), [row(2), row(3)]);
    expect(log.rows.map((r) => r.seq)).toEqual([1, 2, 3]);
  });

  it("puts an older page before what is there", () => {
    const log = addPage(addRows(EMPTY_LOG, [row(61)]), [row(59), row(60)], true);
    expect(log.rows.map((r) => r.seq)).toEqual([59, 60, 61]);
    expect(log.more).toBe(true);
  });

  it("shows a message at once and settles it by its cid", () => {
    const sent = addPending(EMPTY_LOG, { cid: "a", kind: "text", text: "hello", ts: 1 });
    expect(sent.pending).toHaveLength(1);
    const stored = addRows(sent, [row(4, { from: "agent", cid: "a" })]);
    expect(stored.pending).toHaveLength(0);
    expect(stored.rows).toHaveLength(1);
  });

  it("keeps a refused message with the reason", () => {
    const log = failPending(addPending(EMPTY_LOG, { cid: "a", kind: "text", text: "hi", ts: 1 }), "a", "not yours");
    expect(log.pending[0]?.failed).toBe("not yours");
  });

  it("ends an answer in the making with its row, and ignores pieces that come late", () => {
    const half = setStream({ ...EMPTY_LOG, thinking: true }, "s", "The ref");
    expect(half.thinking).toBe(false);
    expect(half.streams["s"]).toBe("The ref");
    const whole = addRows(half, [row(2, { from: "bot", stream: "s" })]);
    expect(whole.streams).toEqual({});
    expect(setStream(whole, "s", "The refund")).toBe(whole);
  });

  it("takes the visitor's typing away when they have spoken", () => {
    const typing = { ...EMPTY_LOG, typist: { who: "visitor", name: "", preview: null, at: 0 } };
    expect(addRows(typing, [row(1)]).typist).toBeNull();
  });

  it("never moves a read mark back", () => {
    expect(visitorRead(markRead(markRead(EMPTY_LOG, "visitor", 5), "visitor", 3))).toBe(5);
  });
});
