import type { QueueOffered, Summary } from "@jieli/protocol";
import type { Msg } from "../src/wire";

export function row(seq: number, change: Partial<Msg> = {}): Msg {
  return { t: "msg", conv: "c", seq, id: `m${seq}`, from: "visitor", kind: "text", body: { text: `text ${seq}` }, ts: seq * 1000, ...change };
}

export function summary(conv: string, change: Partial<Summary> = {}): Summary {
  return {
    conv,
    status: "with_agent",
    version: 1,
    last_seq: 3,
    agent: "me",
    agent_name: "Lin",
    visitor_name: `Visitor ${conv}`,
    visitor_short: "3174ba",
    preview: "hello",
    preview_zh: "",
    preview_en: "",
    last_activity: 1000,
    language: "en",
    negative: null,
    unread: 0,
    ...change,
  };
}

export function offered(entry: string, change: Partial<QueueOffered> = {}): QueueOffered {
  return {
    t: "queue.offered",
    conv: `c-${entry}`,
    escalation: `s-${entry}`,
    entry,
    reason: "emotion",
    reason_zh: "情绪强烈",
    reason_en: "Strong anger",
    evidence: ["I asked three times"],
    negative: 0.9,
    priority: 80,
    language: "en",
    visitor_name: "Anna",
    waiting_since: 0,
    expires: Date.now() + 30_000,
    ...change,
  };
}
