import { EVENTS, toLocale, type EventName, type ToHost } from "../shared/messages.ts";
import { Frame } from "./frame.ts";
import { readSettings } from "./settings.ts";

type Handler = (detail: unknown) => void;
type Sdk = ((method: string, ...args: unknown[]) => unknown) & Record<string, unknown>;

const ACTIVE = "jieli.active";

function start(): void {
  const page = window as unknown as { Jieli?: Sdk & { q?: unknown[][]; loaded?: boolean }; jieliSettings?: object };
  if (page.Jieli?.loaded) return;
  const queued = page.Jieli?.q ?? [];
  const script = (document.currentScript as HTMLScriptElement | null) ?? document.querySelector<HTMLScriptElement>('script[src*="/widget.js"]');
  const settings = readSettings(script, page.jieliSettings);
  const handlers = new Map<string, Set<Handler>>();

  const emit = (event: EventName, detail: unknown) => {
    for (const handler of handlers.get(event) ?? []) handler(detail);
    window.dispatchEvent(new CustomEvent(`jieli:${event}`, { detail }));
  };
  const frame = new Frame(settings, (message: ToHost) => {
    if (message.type === "active") remember(message.active);
    if (message.type !== "event" || !EVENTS.includes(message.event)) return;
    if (message.event === "unread") frame.setUnread((message.detail as { count: number }).count);
    emit(message.event, message.detail);
  });

  const methods: Record<string, (...args: never[]) => unknown> = {
    open: () => {
      frame.show(true);
    },
    close: () => {
      frame.show(false);
    },
    toggle: () => {
      frame.show(!frame.open);
    },
    identify: (identity: unknown) => {
      frame.tell({ type: "identify", identity });
    },
    setAttributes: (attributes: Record<string, unknown>) => {
      frame.tell({ type: "attributes", attributes });
    },
    setLocale: (tag: string) => {
      const locale = toLocale(tag);
      if (!locale) return;
      settings.locale = locale;
      frame.locale = locale;
      frame.paint();
      frame.tell({ type: "locale", locale });
    },
    requestHuman: (reason?: string) => {
      frame.show(true);
      frame.tell({ type: "requestHuman", reason });
    },
    reset: () => {
      remember(false);
      frame.setUnread(0);
      frame.load();
      frame.tell({ type: "reset" });
    },
    on: (event: string, handler: Handler) => {
      handlers.set(event, (handlers.get(event) ?? new Set()).add(handler));
      if (event === "ready" && mounted) handler({});
      return () => handlers.get(event)?.delete(handler);
    },
  };
  const sdk = ((method: string, ...args: never[]) => methods[method]?.(...args)) as unknown as Sdk;
  page.Jieli = Object.assign(sdk, methods, { loaded: true });

  let mounted = false;
  const mount = () => {
    // Beside the body, so that frameworks that swap the body leave it (and the chat's state) alone.
    if (!frame.host.isConnected) document.documentElement.append(frame.host);
  };
  mount();
  new MutationObserver(mount).observe(document, { childList: true, subtree: false });
  new MutationObserver(mount).observe(document.documentElement, { childList: true });
  mounted = true;
  if (settings.identity) frame.tell({ type: "identify", identity: settings.identity });
  if (settings.attributes) frame.tell({ type: "attributes", attributes: settings.attributes });
  // Somebody with a conversation gets the chat at once, hidden, so that unread messages show.
  if (remembered()) frame.load();
  emit("ready", {});
  for (const [method, ...args] of queued) sdk(method as string, ...args);
  if (settings.open) frame.show(true);
}

function remember(active: boolean): void {
  try {
    if (active) localStorage.setItem(ACTIVE, "1");
    else localStorage.removeItem(ACTIVE);
  } catch {
    // A page without storage only loads the chat later.
  }
}

function remembered(): boolean {
  try {
    return localStorage.getItem(ACTIVE) === "1";
  } catch {
    return false;
  }
}

start();
