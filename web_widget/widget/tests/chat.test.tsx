import { act, fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { App } from "../src/chat/parts/App.tsx";
import { restAt } from "../src/chat/parts/Thread.tsx";
import { ScriptedServer } from "./server.ts";

let server: ScriptedServer;
const close = vi.fn();

beforeEach(() => {
  server = new ScriptedServer();
  close.mockClear();
});

async function open(locale: "zh-CN" | "en" = "en") {
  const session = server.session(locale);
  const choices = { theme: "auto" as const, setTheme: vi.fn(), setLocale: vi.fn(), close };
  render(<App session={session} locale={locale} choices={choices} opened={1} />);
  await act(() => session.start());
  await waitFor(() => {
    expect(session.value.connection.state).toBe("open");
  });
  return session;
}

const box = () => screen.getByRole<HTMLTextAreaElement>("textbox");
const log = () => screen.getByRole("log").textContent;

async function ask(text: string) {
  fireEvent.input(box(), { target: { value: text } });
  fireEvent.keyDown(box(), { key: "Enter" });
  await waitFor(() => {
    expect(server.of("send").at(-1)).toMatchObject({ body: { text } });
  });
  return server.of("send").at(-1)?.cid;
}

const say = (...args: Parameters<ScriptedServer["row"]>) => act(() => { server.row(...args); });
const happens = (event: string, extra: object = {}) => act(() => { server.event(event, extra); });

describe("asking the bot", () => {
  test.each([
    ["zh-CN", "怎么退货？", "云杉客服", "转人工"],
    ["en", "How do I return it?", "Spruce", "Talk to a person"],
  ] as const)("in %s: greeting, suggestion, title and the way to a person", async (locale, suggestion, title, talk) => {
    await open(locale);
    screen.getByRole("heading", { name: title });
    screen.getByRole("button", { name: talk });
    fireEvent.click(screen.getByRole("button", { name: suggestion }));
    await waitFor(() => {
      expect(server.of("send")).toHaveLength(1);
    });
  });

  test("the dots come at once, then the answer piece by piece, then its sources", async () => {
    await open();
    const cid = await ask("Can I return it?");
    screen.getByRole("status", { name: "Thinking" });
    screen.getByText("Sending");
    say("visitor", "text", { text: "Can I return it?" }, { cid });
    screen.getByText("Delivered");
    act(() => { server.say({ t: "delta", conv: "c1", stream: "s", n: 0, text: "Within **seven" }); });
    expect(log()).toContain("Within");
    const citations = [{ n: 1, document: "d", title: "Returns", url: "https://x.example/r", path: "r.md", quote: "Seven days after delivery." }];
    say("bot", "text", { text: "Within **seven days** [1].", citations, answered: true }, { stream: "s" });
    expect(screen.getByText("seven days").tagName).toBe("STRONG");
    const [mark] = screen.getAllByRole("button", { name: "Source 1: Returns" });
    fireEvent.click(mark as HTMLElement);
    screen.getByText("Seven days after delivery.");
    expect(screen.getByRole("link", { name: "Open the source" }).getAttribute("href")).toBe("https://x.example/r");
    fireEvent.click(screen.getByRole("button", { name: "Helpful" }));
    await waitFor(() => {
      expect(server.of("act").at(-1)).toMatchObject({ action: "feedback", data: { helpful: true } });
    });
  });

  test("what the bot cannot answer offers a person in place", async () => {
    await open("zh-CN");
    const cid = await ask("量子力学");
    say("visitor", "text", { text: "量子力学" }, { cid });
    say("bot", "text", { text: "没有找到。", offer_person: true });
    fireEvent.click(screen.getByRole("button", { name: "转人工客服" }));
    await waitFor(() => {
      expect(server.of("act")).toMatchObject([{ action: "request_human", conv: "c1" }]);
    });
  });

  test("Enter while an input method composes does not send", async () => {
    await open("zh-CN");
    fireEvent.input(box(), { target: { value: "tui" } });
    fireEvent.keyDown(box(), { key: "Enter", isComposing: true });
    fireEvent.keyDown(box(), { key: "Enter", keyCode: 229 });
    fireEvent.keyDown(box(), { key: "Enter", shiftKey: true });
    expect(box().value).toBe("tui");
    expect(server.of("send")).toEqual([]);
  });

  test("8,000 characters go, one more does not", async () => {
    await open();
    fireEvent.input(box(), { target: { value: "x".repeat(8000) } });
    screen.getByText("8000 / 8000");
    fireEvent.input(box(), { target: { value: "x".repeat(8001) } });
    screen.getByText("1 characters too many");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Send" }).disabled).toBe(true);
  });

  test("a refused message stays, says why, and can be tried again", async () => {
    await open();
    const cid = await ask("hello");
    act(() => { server.say({ t: "nack", cid, code: "refused", text: "Not allowed" }); });
    screen.getByText("Not allowed");
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => {
      expect(server.of("send")).toHaveLength(2);
    });
  });
});

describe("with a person", () => {
  test.each([
    ["zh-CN", "前面还有 2 位", "预计等待 2–5 分钟", "继续问机器人", "林小雨 已接入"],
    ["en", "2 ahead of you", "about 2–5 min", "Stay with the bot", "林小雨 has joined"],
  ] as const)("in %s: asked for as the very first thing, queued, joined, ended, rated", async (locale, place, wait, stay, joined) => {
    const session = await open(locale);
    await act(() => session.requestHuman());
    happens("queued");
    act(() => { server.say({ t: "queue.position", conv: "c1", position: 3, size: 3, wait_low_ms: 120_000, wait_high_ms: 300_000 }); });
    screen.getByText(place);
    screen.getByText(wait);
    screen.getByRole("button", { name: stay });
    happens("assigned", { agent: "a1", agent_name: "林小雨" });
    screen.getByText(joined);
    screen.getByRole("heading", { name: "林小雨" });
    say("agent", "text", { text: "您好" }, { name: "林小雨" });
    happens("resolved");
    fireEvent.click(screen.getByRole("radio", { name: /^4/ }));
    fireEvent.submit(screen.getByRole("radio", { name: /^4/ }).closest("form") as HTMLFormElement);
    await waitFor(() => {
      expect(server.of("act").at(-1)).toMatchObject({ action: "rate", data: { score: 4 } });
    });
    const names = server.events.map(([name]) => name);
    expect(names).toEqual(expect.arrayContaining(["handoff:requested", "handoff:queued", "handoff:accepted", "handoff:ended"]));
  });

  test("nobody can say how long: the visitor leaves a message", async () => {
    const session = await open();
    await act(() => session.requestHuman());
    happens("queued");
    screen.getByText("Someone will join as soon as they are free");
    happens("nobody_available", { text_en: "Nobody is here." });
    expect(screen.queryByText("Someone will join as soon as they are free")).toBeNull();
    expect(screen.getByRole("banner").textContent).toContain("Nobody is at the desk right now");
    fireEvent.click(screen.getByRole("button", { name: "Leave a message" }));
    fireEvent.input(screen.getByLabelText("Email or phone"), { target: { value: "li@example.com" } });
    fireEvent.submit(screen.getByLabelText("How can we help?").closest("form") as HTMLFormElement);
    screen.getByText("Please fill this in");
    fireEvent.input(screen.getByLabelText("How can we help?"), { target: { value: "Where is my parcel" } });
    fireEvent.submit(screen.getByLabelText("How can we help?").closest("form") as HTMLFormElement);
    await waitFor(() => {
      expect(server.of("act").at(-1)).toMatchObject({ action: "leave_message", data: { contact: "li@example.com", text: "Where is my parcel" } });
    });
  });

  test("the agent's typing shows and goes with the message", async () => {
    server.conversation = true;
    server.status = "with_agent";
    await open();
    act(() => { server.say({ t: "typing", conv: "c1", name: "Lin" }); });
    screen.getByRole("status", { name: "Lin is typing" });
    say("agent", "text", { text: "Hi" }, { name: "Lin" });
    expect(screen.queryByRole("status", { name: "Lin is typing" })).toBeNull();
  });
});

describe("a long answer", () => {
  test("keeps its beginning in sight, a short one the end of the thread", () => {
    expect(restAt(900, null)).toBe(900);
    expect(restAt(900, 1200)).toBe(900);
    expect(restAt(900, 400)).toBe(388);
    expect(restAt(900, 5)).toBe(0);
  });

  test("is marked as the one to read until the visitor writes again", async () => {
    server.conversation = true;
    await open();
    say("bot", "text", { text: "A very long answer" });
    expect(document.querySelector("[data-answer]")?.textContent).toContain("A very long answer");
    await ask("And then?");
    expect(document.querySelector("[data-answer]")).toBeNull();
  });
});

describe("after a reload", () => {
  test("history is there, and what was not confirmed is sent", async () => {
    server.conversation = true;
    server.history = [server.make("visitor", "text", { text: "earlier question" })];
    const frame = { t: "send", cid: "kept", conv: "c1", kind: "text", body: { text: "unsent" } };
    server.store.set("jieli.default.visitor", JSON.stringify({ id: "v1", secret: "s1" }));
    server.store.set("jieli.out.v1.kept", JSON.stringify({ frame, at: 1 }));
    await open();
    expect(log()).toContain("earlier question");
    expect(log()).toContain("unsent");
    await waitFor(() => {
      expect(server.of("send")).toMatchObject([{ cid: "kept" }]);
    });
  });

  test("what the agent has read is still marked", async () => {
    server.conversation = true;
    server.readByAgent = 1;
    server.history = [server.make("visitor", "text", { text: "earlier question" })];
    await open();
    screen.getByText("Read");
  });

  test("Escape closes", async () => {
    await open();
    fireEvent.keyDown(box(), { key: "Escape" });
    expect(close).toHaveBeenCalled();
  });
});
