import { toLocale, type Locale, type Theme } from "../shared/messages.ts";

export interface Settings {
  inbox: string;
  /** Origin of the Jieli server: where this script came from. */
  server: string;
  locale: Locale | null;
  theme: Theme;
  color: string | null;
  position: "left" | "right";
  /** False: no button; the page opens the chat by `Jieli.open()`. */
  launcher: boolean;
  open: boolean;
  zIndex: number;
  identity: unknown;
  attributes: Record<string, unknown> | null;
}

type Raw = Partial<Record<keyof Settings, unknown>>;

const HEX = /^#[0-9a-f]{6}$/i;

/** `window.jieliSettings` with the script's data attributes on top. Unknown values fall back to the defaults. */
export function readSettings(script: HTMLScriptElement | null, given: Raw = {}): Settings {
  const raw: Raw = { ...given, ...script?.dataset };
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  const off = (value: unknown) => value === false || value === "false" || value === "hidden";
  const color = text(raw.color);
  const theme = text(raw.theme);
  return {
    inbox: text(raw.inbox) ?? "default",
    server: new URL(text(raw.server) ?? script?.src ?? location.href, location.href).origin,
    locale: toLocale(text(raw.locale)),
    theme: theme === "light" || theme === "dark" ? theme : "auto",
    color: color && HEX.test(color) ? color : null,
    position: raw.position === "left" ? "left" : "right",
    launcher: !off(raw.launcher),
    open: raw.open === true || raw.open === "true" || raw.open === "",
    zIndex: Number(raw.zIndex) || 2_147_483_000,
    identity: raw.identity ?? null,
    attributes: (raw.attributes as Record<string, unknown> | undefined) ?? null,
  };
}
