import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App } from "antd";
import type { ReactElement } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Briefing } from "../src/chat/Briefing";
import { Composer } from "../src/chat/Composer";
import { SafeText } from "../src/chat/SafeText";
import { TransferDialog } from "../src/chat/TransferDialog";
import { OfferCard } from "../src/inbox/OfferCard";
import LeftMessagesPage from "../src/pages/LeftMessagesPage";
import { SignIn } from "../src/shell/SignIn";
import { useDrafts } from "../src/state/drafts";
import { useSettings } from "../src/state/settings";
import { useStore } from "../src/state/store";
import { useUi } from "../src/state/ui";
import { offered, row } from "./rows";

const agent = { id: "me", name: "Lin", email: "l@x.y", role: "agent" as const, languages: ["en"], skills: [], capacity: 4, availability: "online" as const };
const canned = [{ short_code: "hello", language: "en", text: "Hello {visitor}, this is {agent}." }];

function answers(body: unknown, status = 200) {
  vi.stubGlobal("fetch", vi.fn(async () => new Response(JSON.stringify(body), { status })));
}

const show = (element: ReactElement) => render(<QueryClientProvider client={new QueryClient()}>{element}</QueryClientProvider>);

beforeEach(() => {
  const nothing = vi.fn();
  vi.stubGlobal("matchMedia", () => ({ matches: false, addListener: nothing, removeListener: nothing, addEventListener: nothing, removeEventListener: nothing }));
  vi.stubGlobal("ResizeObserver", class { observe = nothing; unobserve = nothing; disconnect = nothing; });
  useSettings.setState({ language: "en" });
  useDrafts.setState({ drafts: {} });
  useStore.getState().start({ agent });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("renders Markdown, but no HTML, no image and no script link", () => {
  const { container } = render(
    <SafeText text={"**bold** [good](https://a.example) [bad](javascript:alert(1)) <img src=x onerror=alert(1)> <b>x</b> ![i](https://a.example/i.png)"} />,
  );
  expect(container.querySelector("strong")?.textContent).toBe("bold");
  const links = [...container.querySelectorAll("a")];
  expect(links.map((a) => a.getAttribute("href"))).toEqual(["https://a.example"]);
  expect(links[0]?.rel).toContain("noopener");
  expect(links[0]?.rel).toContain("nofollow");
  expect(container.querySelector("img, b, script")).toBeNull();
});

it("shows an offer with its reason in the language of the desk, and accepts", () => {
  const accept = vi.fn();
  render(<OfferCard offer={offered("e", { why_zh: "会英文", why_en: "you speak English", visitor_name: "", visitor_short: "3174ba" })} busy={false} onAccept={accept} onDecline={vi.fn()} />);
  expect(screen.getByText("Strong anger")).toBeTruthy();
  expect(screen.getByText("I asked three times")).toBeTruthy();
  expect(screen.getByText("Angry")).toBeTruthy();
  expect(screen.getByText("Why you: you speak English")).toBeTruthy();
  expect(screen.getByRole("group", { name: /Visitor 3174ba/ })).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Accept" }));
  expect(accept).toHaveBeenCalledOnce();
});

it("offers the suggested first sentence for one click", () => {
  const insert = vi.fn();
  const body = { facts: [{ zh: "订单", en: "Order 4471" }], emotion: { zh: "怒", en: "Angry" }, need: { en: "A date" }, tried: [], first_sentence: { zh: "抱歉", en: "I am sorry" }, summary: { en: "Refund late" } };
  render(<Briefing row={row(1, { kind: "briefing", body })} opened onInsert={insert} />);
  expect(screen.getByText("Order 4471")).toBeTruthy();
  expect(screen.getByText("Nothing")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: /Insert/ }));
  expect(insert).toHaveBeenCalledWith("I am sorry");
});

it("keeps the draft, inserts a canned reply and does not send while an input method composes", async () => {
  answers({ canned });
  const user = userEvent.setup();
  const sent = vi.fn();
  show(<Composer conv="c" visitor="Chen" language="en" canReply onSent={sent} />);
  const box = screen.getByRole("textbox");
  await user.type(box, "/he");
  await waitFor(() => expect(screen.getByText("/hello")).toBeTruthy());
  fireEvent.keyDown(box, { key: "Enter", isComposing: true });
  expect(useDrafts.getState().drafts["c"]?.text).toBe("/he");
  fireEvent.keyDown(box, { key: "Enter" });
  expect(useDrafts.getState().drafts["c"]?.text).toBe("Hello Chen, this is Lin.");
  fireEvent.keyDown(box, { key: "Enter", keyCode: 229 });
  expect(sent).not.toHaveBeenCalled();
  fireEvent.keyDown(box, { key: "Enter" });
  expect(sent).toHaveBeenCalledOnce();
  expect(useDrafts.getState().drafts["c"]).toBeUndefined();
});

it("allows only notes where the agent may not reply", () => {
  answers({ canned });
  show(<Composer conv="c" visitor="Chen" language="en" canReply={false} onSent={vi.fn()} />);
  expect(screen.getByRole("button", { name: /Save note/ })).toBeTruthy();
});

it("lists queues and online agents to transfer to", async () => {
  answers({ queues: [{ id: "default", name: "Front", skills: [], waiting: 2, online: 1 }, { id: "tech", name: "Tech", skills: [], waiting: 0, online: 0 }] });
  const member = { active: 1, capacity: 4, role: "agent" as const };
  useStore.getState().update((d) => ({
    ...d,
    team: { a: { ...member, id: "a", name: "Mei", availability: "online" }, b: { ...member, id: "b", name: "Bo", availability: "away" } },
  }));
  useUi.getState().show("transfer");
  show(<App><TransferDialog conv="c" onDone={vi.fn()} /></App>);
  await waitFor(() => expect(screen.getByText("Front · 1 online · 2 waiting")).toBeTruthy());
  fireEvent.click(screen.getByText("One agent"));
  fireEvent.mouseDown(await screen.findByRole("combobox", { name: "Pick an agent" }));
  await waitFor(() => expect(screen.getByText("Mei · 1/4")).toBeTruthy());
  expect(screen.queryByText("Bo · 1/4")).toBeNull();
  useUi.getState().show(null);
});

it("ticks off a left message", async () => {
  answers({ left_messages: [{ id: "m1", contact: "a@b.c", text: "call me", state: "open", created: 0 }] });
  show(<App><LeftMessagesPage /></App>);
  fireEvent.click(await screen.findByRole("button", { name: "Mark done" }));
  await waitFor(() => expect(vi.mocked(fetch).mock.calls.some(([url]) => String(url).endsWith("/left-messages/m1/done"))).toBe(true));
});

it("says why signing in failed, in the server's words", async () => {
  answers({ error: { code: "bad_credentials", message: "The e-mail or the password is wrong.", hint: "" } }, 401);
  const user = userEvent.setup();
  render(<SignIn expired={false} onEnter={vi.fn()} />);
  await user.type(screen.getByLabelText("E-mail"), "l@x.y");
  await user.type(screen.getByLabelText("Password"), "nope-nope-nope");
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  await waitFor(() => expect(screen.getByText("The e-mail or the password is wrong.")).toBeTruthy());
});
