import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readSettings } from "../src/loader/settings.ts";
import { pack, unpack } from "../src/shared/messages.ts";

type Sdk = Record<string, (...args: unknown[]) => unknown> & ((...args: unknown[]) => unknown);
const page = window as unknown as { Jieli?: unknown; jieliSettings?: object };

beforeEach(() => {
  vi.resetModules();
  vi.stubGlobal("CSSStyleSheet", class { replaceSync() { return undefined; } });
  vi.spyOn(window.localStorage.__proto__ as Storage, "getItem").mockReturnValue(null);
});
afterEach(() => {
  delete page.Jieli;
  document.querySelectorAll("jieli-widget").forEach((element) => { element.remove(); });
});

async function load(): Promise<Sdk> {
  await import("../src/loader/main.ts");
  return page.Jieli as Sdk;
}
const root = () => document.querySelector("jieli-widget")?.shadowRoot as ShadowRoot;

test("two lines make a button, opening it makes the frame; a second load is a no-op", async () => {
  page.jieliSettings = { inbox: "shop" };
  const sdk = await load();
  vi.resetModules();
  expect(await load()).toBe(sdk);
  expect(document.querySelectorAll("jieli-widget")).toHaveLength(1);
  expect(root().querySelector("iframe")).toBeNull();
  root().querySelector("button")?.click();
  expect(root().querySelector("iframe")?.src).toContain("/widget/index.html?inbox=shop");
  expect(root().querySelector("button")?.getAttribute("aria-expanded")).toBe("true");
});

test("commands queued before the script came are run, and it survives a swapped body", async () => {
  const ready = vi.fn();
  page.Jieli = { q: [["on", "ready", ready], ["open"]] };
  await load();
  expect(ready).toHaveBeenCalledOnce();
  expect(root().querySelector("iframe")).not.toBeNull();
  document.documentElement.replaceChild(document.createElement("body"), document.body);
  document.querySelector("jieli-widget")?.remove();
  await vi.waitFor(() => {
    expect(document.querySelector("jieli-widget")).not.toBeNull();
  });
});

test("a page that may not embed loses the frame and is told why", async () => {
  const heard = vi.fn();
  const logged = vi.spyOn(console, "error").mockReturnValue(undefined);
  const answer = { error: { code: "bad_origin", message: "This site is not allowed; add it.", hint: "" } };
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(JSON.stringify(answer), { status: 403 }))));
  page.jieliSettings = { inbox: "vip", server: "https://help.example" };
  page.Jieli = { q: [["on", "error", heard], ["open"]] };
  await load();
  await vi.waitFor(() => {
    expect(heard).toHaveBeenCalledWith({ code: "bad_origin", text: "This site is not allowed; add it." });
  });
  expect(fetch).toHaveBeenCalledWith("https://help.example/api/v1/widget/embed?inbox=vip", expect.anything());
  const mine = [...document.querySelectorAll("jieli-widget")].at(-1)?.shadowRoot; // earlier ones mount themselves again
  expect(mine?.querySelector("iframe")).toBeNull();
  expect(mine?.querySelector("button")?.getAttribute("aria-expanded")).toBe("false");
  expect(logged).toHaveBeenCalledWith("Jieli: This site is not allowed; add it. [bad_origin]");
});

test("data attributes and settings, with nonsense refused", () => {
  const script = document.createElement("script");
  script.src = "https://help.example/widget.js";
  Object.assign(script.dataset, { inbox: "vip", color: "red;}", theme: "dark", locale: "zh-Hans", launcher: "hidden" });
  expect(readSettings(script, { inbox: "x", position: "left" })).toMatchObject({ inbox: "vip", color: null, theme: "dark", locale: "zh-CN", launcher: false, position: "left", server: "https://help.example" });
});

test("messages from another window or origin are not heard", () => {
  const from = (source: unknown, origin: string, data: unknown) => unpack({ source, origin, data } as MessageEvent, window, "https://help.example");
  const message = pack({ type: "close" });
  expect(from(window, "https://help.example", message)).toMatchObject({ type: "close" });
  expect(from(window, "https://evil.example", message)).toBeNull();
  expect(from({}, "https://help.example", message)).toBeNull();
  expect(from(window, "https://help.example", { type: "close" })).toBeNull();
  expect(from(window, "https://help.example", "close")).toBeNull();
});
