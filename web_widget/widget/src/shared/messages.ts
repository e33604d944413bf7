/** What host page and chat tell each other by postMessage. Anything else, or from elsewhere, is ignored. */
export type Locale = "zh-CN" | "en";
export type Theme = "light" | "dark" | "auto";

export const EVENTS = [
  "ready",
  "message",
  "unread",
  "handoff:requested",
  "handoff:queued",
  "handoff:accepted",
  "handoff:ended",
  "error",
] as const;
export type EventName = (typeof EVENTS)[number];

export interface Look {
  color?: string;
  position?: "left" | "right";
}

export type ToHost =
  | { type: "loaded" }
  | { type: "close" }
  | { type: "look"; look: Look }
  | { type: "locale"; locale: Locale }
  | { type: "active"; active: boolean }
  | { type: "event"; event: EventName; detail: unknown };

export type ToChat =
  | { type: "visible"; open: boolean }
  | { type: "identify"; identity: unknown }
  | { type: "attributes"; attributes: Record<string, unknown> }
  | { type: "locale"; locale: Locale }
  | { type: "requestHuman"; reason?: string }
  | { type: "reset" };

const MARK = "jieli";

export function pack(message: ToHost | ToChat): Record<string, unknown> {
  return { [MARK]: 1, ...message };
}

/** The message in an event, when window and origin are the expected ones and the shape is ours; else null. */
export function unpack<T extends ToHost | ToChat>(event: MessageEvent, source: unknown, origin: string): T | null {
  if (event.source !== source || event.origin !== origin) return null;
  const data: unknown = event.data;
  if (typeof data !== "object" || data === null || (data as Record<string, unknown>)[MARK] !== 1) return null;
  return typeof (data as { type?: unknown }).type === "string" ? (data as T) : null;
}

/** The nearest language that there are words for, or null. */
export function toLocale(tag: string | null | undefined): Locale | null {
  if (!tag) return null;
  if (/^zh/i.test(tag)) return "zh-CN";
  return /^en/i.test(tag) ? "en" : null;
}
