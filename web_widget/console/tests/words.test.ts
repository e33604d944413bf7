import { describe, expect, it } from "vitest";
import { codeAt, filled, matching } from "../src/chat/canned";
import { nearMisses } from "../src/chat/Verdict";
import { side, say, word } from "../src/i18n";
import { emotionOf } from "../src/lib/emotion";
import { keyName } from "../src/lib/hotkeys";
import { clock, duration, millis } from "../src/lib/time";

describe("canned replies", () => {
  const replies = [
    { short_code: "hello", language: "en", text: "Hello {visitor}, {agent} here" },
    { short_code: "hello", language: "zh-CN", text: "您好" },
    { short_code: "refund", language: "zh-CN", text: "退款" },
  ];
  it("are found by the code at the cursor only", () => {
    expect(codeAt("ok /he", 6)).toEqual({ from: 3, typed: "he" });
    expect(codeAt("/", 1)).toEqual({ from: 0, typed: "" });
    expect(codeAt("and/or", 6)).toBeNull();
    expect(codeAt("/he llo", 7)).toBeNull();
  });
  it("in the conversation's language come first", () => {
    expect(matching(replies, "he", "zh-CN").map((r) => r.language)).toEqual(["zh-CN", "en"]);
    expect(matching(replies, "退", "zh-CN").map((r) => r.short_code)).toEqual(["refund"]);
  });
  it("fill in who talks to whom", () => {
    expect(filled("Hello {visitor}, {agent} here, {other}", { visitor: "Chen", agent: "Lin" })).toBe("Hello Chen, Lin here, {other}");
  });
});

describe("words", () => {
  it("come in both languages, with values", () => {
    expect(say("en", "offer.left", { n: 5 })).toBe("5 s left");
    expect(say("zh-CN", "offer.left", { n: 5 })).toBe("还剩 5 秒");
    expect(word("en", "rule", "emotion")).toBe("Emotion");
    expect(word("en", "rule", "brand_new")).toBe("brand_new");
  });
  it("fit their number", () => {
    expect([0, 1, 2].map((n) => say("en", "up.start", { n }))).toEqual(["Upload 0 files", "Upload 1 file", "Upload 2 files"]);
    expect(say("zh-CN", "up.start", { n: 1 })).toBe("上传 1 个文件");
  });
  it("of a pair are those of the language, or what there is", () => {
    expect(side({ zh: "甲", en: "A" }, "en")).toBe("A");
    expect(side({ zh: "甲" }, "en")).toBe("甲");
    expect(side(null, "en")).toBe("");
  });
  it("tell emotion by level", () => {
    expect([0, 0.35, 0.7, 0.95].map((n) => emotionOf(n)?.level)).toEqual(["calm", "uneasy", "upset", "angry"]);
    expect(emotionOf(null)).toBeNull();
  });
  it("tell time", () => {
    expect([clock(75_000), clock(3_700_000), clock(-5)]).toEqual(["1:15", "1:01:40", "0:00"]);
    expect([duration(40_000, "en"), duration(7_200_000, "zh-CN")]).toEqual(["40 s", "2 小时"]);
    expect(millis("2026-11-22T10:00:00")).toBe(Date.UTC(2026, 10, 22, 10));
  });
  it("list the rules that nearly fired", () => {
    expect(nearMisses({ near: [{ rule: "request", score: 0.6, threshold: 0.7 }, "x"] })).toEqual([{ rule: "request", score: 0.6, threshold: 0.7 }]);
    expect(nearMisses({})).toEqual([]);
  });
  it("name keys by place, whatever Alt makes of the letter", () => {
    expect(keyName(new KeyboardEvent("keydown", { code: "KeyJ", key: "∆", altKey: true }))).toBe("alt+j");
    expect(keyName(new KeyboardEvent("keydown", { code: "KeyK", key: "k", metaKey: true }))).toBe("mod+k");
    expect(keyName(new KeyboardEvent("keydown", { code: "Slash", key: "?", shiftKey: true }))).toBe("?");
  });
});
