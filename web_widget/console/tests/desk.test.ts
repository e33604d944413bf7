// @vitest-environment node
import { describe, expect, it } from "vitest";
import type { Waiting } from "@jieli/protocol";
import { emptyDesk, expireOffers, listOf, logOf, mergeRows, previewOf, queueOf, reduce, select } from "../src/state/desk";
import { offered, row, summary } from "./rows";

const start = () => mergeRows(emptyDesk("me"), [summary("a"), summary("b", { last_activity: 2000 }), summary("q", { status: "queued", agent: null })]);
const changed = (conv: string, change: object) => ({ t: "conversation.changed" as const, conv, status: "with_agent", version: 1, last_seq: 4, agent: "me", preview: "new", ...change });

describe("the lists", () => {
  it("show mine, latest first", () => {
    expect(listOf(start().items, "mine", "me").map((i) => i.conv)).toEqual(["b", "a"]);
  });

  it("move a conversation when it is resolved", () => {
    const desk = reduce(start(), changed("a", { status: "resolved", version: 2, agent: null }), 5000);
    expect(listOf(desk.items, "mine", "me").map((i) => i.conv)).toEqual(["b"]);
    expect(listOf(desk.items, "resolved", "me").map((i) => i.conv)).toEqual(["a"]);
    expect(listOf(desk.items, "all", "me").map((i) => i.conv)).not.toContain("a");
  });

  it("count what came while another conversation was open", () => {
    const desk = reduce(select(start(), "b"), changed("a", { last_seq: 5 }), 5000);
    expect(desk.items["a"]?.unread).toBe(2);
    expect(listOf(desk.items, "mine", "me")[0]?.conv).toBe("a");
    expect(select(desk, "a").items["a"]?.unread).toBe(0);
  });

  it("ignore a change that is older than what is known", () => {
    const desk = start();
    expect(reduce(desk, changed("a", { last_seq: 2 }), 5000)).toBe(desk);
  });

  it("show an event in the language of the desk", () => {
    const event = { preview: undefined, preview_zh: "正在为您转接人工客服", preview_en: "I'm connecting you" };
    const item = reduce(start(), changed("a", event), 5000).items["a"];
    expect(item && [previewOf(item, "zh-CN"), previewOf(item, "en")]).toEqual(["正在为您转接人工客服", "I'm connecting you"]);
    const bare = reduce(start(), changed("a", { preview: undefined }), 5000).items["a"];
    expect(bare && previewOf(bare, "en")).toBe("hello");
  });

  it("ask for the list when a conversation is unknown", () => {
    expect(reduce(start(), changed("new", {}), 5000).staleList).toBe(1);
  });

  it("keep what a frame made newer than a fetched list", () => {
    const newer = reduce(start(), changed("a", { last_seq: 9, preview: "latest" }), 5000);
    expect(mergeRows(newer, [summary("a")]).items["a"]?.preview).toBe("latest");
  });
});

describe("offers", () => {
  it("stand once each and end with a word about who was first", () => {
    const two = reduce(reduce(start(), offered("e"), 0), offered("e"), 0);
    expect(two.offers).toHaveLength(1);
    const over = reduce(two, { t: "queue.ended", conv: "c-e", entry: "e", why: "taken", by: "Zhou" }, 7);
    expect(over.offers).toHaveLength(0);
    expect(over.ended[0]).toMatchObject({ why: "taken", by: "Zhou", visitor_name: "Anna" });
  });

  it("say nothing when the agent took it", () => {
    const over = reduce(reduce(start(), offered("e"), 0), { t: "queue.ended", conv: "c-e", entry: "e", why: "accepted" }, 7);
    expect(over.ended).toHaveLength(0);
  });

  it("run out by the clock when no frame says so", () => {
    const desk = reduce(start(), offered("e", { expires: 100 }), 0);
    expect(expireOffers(desk, 99)).toBe(desk);
    expect(expireOffers(desk, 100).offers).toHaveLength(0);
  });
});

describe("the queue", () => {
  it("stands in the order in which it is served", () => {
    const waiting = (entry: string, priority: number, since: number) => ({ entry, priority, waiting_since: since }) as Waiting;
    expect(queueOf([waiting("late", 10, 9), waiting("early", 10, 1), waiting("angry", 80, 20)]).map((q) => q.entry)).toEqual(["angry", "early", "late"]);
  });
});

describe("frames of a conversation", () => {
  it("fill its transcript, typing, thinking and read marks", () => {
    let desk = reduce(start(), row(1, { conv: "a" }), 0);
    desk = reduce(desk, { t: "thinking", conv: "a" }, 1);
    desk = reduce(desk, { t: "typing", conv: "a", who: "visitor", preview: "wh" }, 2);
    desk = reduce(desk, { t: "read", conv: "a", seq: 1, who: "visitor" }, 3);
    const log = logOf(desk, "a");
    expect([log.rows.length, log.thinking, log.typist?.preview, log.readBy["visitor"]]).toEqual([1, true, "wh", 1]);
    expect(logOf(reduce(desk, { t: "typing", conv: "a", on: false, who: "visitor" }, 4), "a").typist).toBeNull();
  });

  it("keep presence of colleagues with what else is known of them", () => {
    const desk = { ...start(), team: { z: { id: "z", name: "Zhou", role: "agent" as const, availability: "away" as const, active: 0, capacity: 4 } } };
    const next = reduce(desk, { t: "presence", agent: "z", name: "Zhou", availability: "online", active: 2, capacity: 4 }, 0);
    expect(next.team["z"]).toMatchObject({ availability: "online", active: 2, role: "agent" });
  });
});
