import { pack, toLocale, unpack, type Locale, type Look, type ToChat, type ToHost } from "../shared/messages.ts";
import type { Settings } from "./settings.ts";
import { css } from "./style.ts";

const WORDS = {
  "zh-CN": { open: "打开在线客服", close: "关闭在线客服", chat: "在线客服", unread: "条未读消息" },
  en: { open: "Open support chat", close: "Close support chat", chat: "Support chat", unread: "unread messages" },
};
const BUBBLE = "M12 3.2c-5.2 0-9.2 3.5-9.2 7.9 0 2.5 1.3 4.7 3.4 6.1v3.1c0 .5.5.8 1 .5l3-1.7c.6.1 1.2.1 1.8.1 5.2 0 9.2-3.6 9.2-8.1 0-4.4-4-7.9-9.2-7.9Z";
const CROSS = "M6 9.2l6 6 6-6";

/** Black or white, whichever reads better on `color` (#rrggbb), by relative luminance. */
export function textOn(color: string): string {
  const channels = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255);
  const [r = 0, g = 0, b = 0] = channels.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.4 ? "#10161c" : "#fff";
}

function icon(name: string, path: string, fill: boolean): SVGElement {
  const make = (tag: string, attributes: Record<string, string>) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const svg = make("svg", { class: name, width: "28", height: "28", viewBox: "0 0 24 24", "aria-hidden": "true" });
  const paint: Record<string, string> = fill
    ? { fill: "currentColor" }
    : { fill: "none", stroke: "currentColor", "stroke-width": "2.4", "stroke-linecap": "round", "stroke-linejoin": "round" };
  svg.append(make("path", { d: path, ...paint }));
  return svg;
}

/** Launcher, frame and the channel between them. The chat is loaded when it is first needed. */
export class Frame {
  readonly host = document.createElement("jieli-widget");
  open = false;
  locale: Locale;
  private readonly root = document.createElement("div");
  private readonly panel = document.createElement("div");
  private readonly button = document.createElement("button");
  private readonly badge = document.createElement("span");
  private iframe: HTMLIFrameElement | null = null;
  private loaded = false;
  private unread = 0;
  private readonly pending: ToChat[] = [];

  constructor(
    private readonly settings: Settings,
    private readonly receive: (message: ToHost) => void,
  ) {
    this.locale = settings.locale ?? toLocale(document.documentElement.lang) ?? toLocale(navigator.language) ?? "en";
    const shadow = this.host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    shadow.adoptedStyleSheets = [sheet];
    this.host.style.setProperty("--z", String(settings.zIndex));
    this.panel.className = "p";
    this.badge.className = "n";
    this.button.className = "l";
    this.button.type = "button";
    this.button.append(icon("b", BUBBLE, true), icon("x", CROSS, false));
    this.button.addEventListener("click", () => {
      this.show(!this.open);
    });
    this.root.append(this.panel, this.button);
    shadow.append(this.root);
    this.look({ color: settings.color ?? undefined, position: settings.position });
    this.paint();
    window.addEventListener("message", (event) => {
      const message = this.iframe && unpack<ToHost>(event, this.iframe.contentWindow, settings.server);
      if (message) this.onMessage(message);
    });
  }

  show(open: boolean): void {
    if (open) this.load();
    if (this.open === open) return;
    this.open = open;
    if (open) this.setUnread(0);
    this.paint();
    this.tell({ type: "visible", open });
    if (open) this.iframe?.focus();
    else this.button.focus({ preventScroll: true });
  }

  setUnread(count: number): void {
    this.unread = count;
    this.paint();
  }

  /** Sends now, or as soon as the chat is there. */
  tell(message: ToChat): void {
    if (this.loaded) this.iframe?.contentWindow?.postMessage(pack(message), this.settings.server);
    else this.pending.push(message);
  }

  load(): void {
    if (this.iframe) return;
    const { inbox, server, theme } = this.settings;
    const query = new URLSearchParams({ inbox, theme, locale: this.settings.locale ?? "", page: location.href.slice(0, 500), origin: location.origin });
    if (!this.settings.locale) query.set("hint", this.locale);
    if (this.settings.color) query.set("color", this.settings.color);
    const iframe = document.createElement("iframe");
    // On one's own origin a sandbox that allows scripts and storage protects nothing and browsers warn about it.
    if (server !== location.origin) iframe.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox");
    iframe.setAttribute("allow", "clipboard-write");
    iframe.src = `${server}/widget/index.html?${query.toString()}`;
    this.panel.classList.toggle("d", theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches));
    this.panel.append(iframe);
    this.iframe = iframe;
    this.paint();
    if (server !== location.origin) void this.ask();
  }

  /** The browser keeps the frame of a page that is not allowed empty; the server says why, in words. */
  private async ask(): Promise<void> {
    const { inbox, server } = this.settings;
    try {
      const answer = await fetch(`${server}/api/v1/widget/embed?inbox=${encodeURIComponent(inbox)}`, { credentials: "omit", headers: { "Accept-Language": this.locale } });
      const { error } = (await answer.json()) as { error?: { code: string; message: string } };
      if (error?.code === "bad_origin" || error?.code === "inbox_not_found") this.refuse(error.code, error.message);
    } catch {
      // The server is away (the chat says so itself), or the page's policy forbids the question.
    }
  }

  private refuse(code: string, text: string): void {
    this.show(false);
    this.iframe?.remove();
    this.iframe = null;
    this.loaded = false;
    // eslint-disable-next-line no-console -- the page's developer looks nowhere else
    console.error(`Jieli: ${text} [${code}]`);
    this.receive({ type: "event", event: "error", detail: { code, text } });
  }

  look(look: Look): void {
    const color = this.settings.color ?? look.color;
    if (color && /^#[0-9a-f]{6}$/i.test(color)) {
      this.host.style.setProperty("--c", color);
      this.host.style.setProperty("--t", textOn(color));
    }
    this.root.classList.toggle("left", (look.position ?? this.settings.position) === "left");
  }

  paint(): void {
    const words = WORDS[this.locale];
    this.root.classList.toggle("o", this.open);
    this.root.classList.toggle("h", !this.settings.launcher);
    const waiting = !this.open && this.unread > 0;
    this.button.setAttribute("aria-label", this.open ? words.close : waiting ? `${words.open} (${this.unread} ${words.unread})` : words.open);
    this.button.setAttribute("aria-expanded", String(this.open));
    if (this.iframe) this.iframe.title = words.chat;
    this.badge.textContent = this.unread > 9 ? "9+" : String(this.unread);
    if (!waiting) this.badge.remove();
    else if (!this.badge.isConnected) this.button.append(this.badge);
  }

  private onMessage(message: ToHost): void {
    if (message.type === "loaded") {
      this.loaded = true;
      this.tell({ type: "visible", open: this.open });
      for (const waiting of this.pending.splice(0)) this.tell(waiting);
    } else if (message.type === "close") this.show(false);
    else if (message.type === "look") this.look(message.look);
    else if (message.type === "locale") {
      this.locale = message.locale;
      this.paint();
    }
    this.receive(message);
  }
}
