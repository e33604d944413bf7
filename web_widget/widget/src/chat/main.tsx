import { webStore } from "@jieli/protocol";
import { render } from "preact";
import { pack, toLocale, unpack, type Locale, type Theme, type ToChat, type ToHost } from "../shared/messages.ts";
import { paintTheme } from "./theme.ts";
import { App } from "./parts/App.tsx";
import { ChatSession } from "./session.ts";
import "./styles/base.css";
import "./styles/header.css";
import "./styles/thread.css";
import "./styles/cards.css";

const query = new URLSearchParams(location.search);
const hostOrigin = query.get("origin") ?? "";
const framed = window.parent !== window && hostOrigin !== "";
const store = webStore(() => localStorage);
const inbox = query.get("inbox") ?? "default";
const asTheme = (value: string | null): Theme | null => (value === "light" || value === "dark" || value === "auto" ? value : null);

let locale: Locale =
  toLocale(store.get("jieli.locale")) ?? toLocale(query.get("locale")) ?? toLocale(query.get("hint")) ?? toLocale(navigator.language) ?? "en";
let theme: Theme = asTheme(store.get("jieli.theme")) ?? asTheme(query.get("theme")) ?? "auto";
let opened = framed ? 0 : 1;

function tell(message: ToHost): void {
  if (framed) window.parent.postMessage(pack(message), hostOrigin);
}

const session = new ChatSession({
  inbox,
  page: query.get("page") ?? location.href,
  socketUrl: `${location.origin.replace(/^http/, "ws")}/ws/visitor`,
  store,
  locale: () => locale,
  notify: (event, detail) => {
    tell({ type: "event", event, detail });
  },
  active: (active) => {
    tell({ type: "active", active });
  },
});

const choices = {
  close: () => {
    tell({ type: "close" });
  },
  setLocale: (chosen: Locale) => {
    store.set("jieli.locale", chosen);
    speak(chosen);
  },
  setTheme: (chosen: Theme) => {
    theme = chosen;
    store.set("jieli.theme", chosen);
    draw();
  },
};

/** The page's own wish is not remembered, only the visitor's. */
function speak(wanted: Locale): void {
  locale = wanted;
  tell({ type: "locale", locale });
  draw();
}

function draw(): void {
  document.documentElement.lang = locale;
  const look = session.value.inbox?.look as { color?: string; position?: "left" | "right" } | undefined;
  paintTheme(theme, query.get("color") ?? look?.color ?? null);
  const root = document.getElementById("app");
  if (root) render(<App session={session} locale={locale} choices={{ ...choices, theme }} opened={opened} />, root);
}

window.addEventListener("message", (event) => {
  const message = framed ? unpack<ToChat>(event, window.parent, hostOrigin) : null;
  if (message?.type === "visible") {
    if (message.open) opened += 1;
    session.show(message.open);
    draw();
  } else if (message?.type === "locale") speak(message.locale);
  else if (message?.type === "identify") void session.identify(message.identity);
  else if (message?.type === "attributes") session.setAttributes(message.attributes);
  else if (message?.type === "requestHuman") void session.requestHuman(message.reason);
  else if (message?.type === "reset") void session.reset();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") session.wake();
});
window.addEventListener("online", session.wake);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

draw();
if (!framed) session.show(true);
void session.start().then(() => {
  const { color, position } = (session.value.inbox?.look ?? {}) as { color?: string; position?: "left" | "right" };
  tell({ type: "look", look: { color, position } });
  draw();
});
tell({ type: "loaded" });
tell({ type: "locale", locale });
