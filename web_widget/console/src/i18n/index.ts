/** Every visible text, both languages side by side, so that none can be missing. */
import { useCallback } from "react";
import { useSettings } from "../state/settings";
import { chat } from "./chat";
import { customer } from "./customer";
import { inbox } from "./inbox";
import { knowledge } from "./knowledge";
import { shell } from "./shell";

const texts = { ...shell, ...inbox, ...chat, ...customer, ...knowledge };
export type TextKey = keyof typeof texts;
export type Language = "zh-CN" | "en";
export type Translate = (key: TextKey, values?: Record<string, string | number>) => string;

/** The text in a language, `{name}` replaced by the value and `{name:one|many}` by the word that fits its number. */
export function say(language: Language, key: TextKey, values: Record<string, string | number> = {}): string {
  const [zh, en] = texts[key];
  const text: string = language === "en" ? en : zh;
  return text
    .replace(/\{(\w+):([^|}]*)\|([^}]*)\}/g, (_, name: string, one: string, many: string) => (Number(values[name]) === 1 ? one : many))
    .replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function isTextKey(key: string): key is TextKey {
  return key in texts;
}

/** A word of the server (a rule, a tier, …) in the UI's language, or as it came. */
export function word(language: Language, area: string, value: string): string {
  const key = `${area}.${value}`;
  return isTextKey(key) ? say(language, key) : value;
}

export interface Guest {
  visitor_name?: string | null | undefined;
  visitor_short?: string | undefined;
}

const FIRST = 1_000_000; // the server's priority of who lost their agent

export interface Text {
  t: Translate;
  language: Language;
  w: (area: string, value: string) => string;
  /** What a visitor is called: the name, or for the nameless a label with the end of the id. */
  guest: (who: Guest) => string;
  /** A place in the queue by urgency. */
  urgency: (priority: number) => string;
}

export function useText(): Text {
  const language = useSettings((s) => s.language);
  const t = useCallback<Translate>((key, values) => say(language, key, values), [language]);
  const w = useCallback((area: string, value: string) => word(language, area, value), [language]);
  const guest = useCallback((who: Guest) => who.visitor_name || say(language, "visitor.anonymous", { id: who.visitor_short ?? "" }).trim(), [language]);
  const urgency = useCallback((priority: number) => (priority >= FIRST ? say(language, "priority.first") : say(language, "priority", { n: priority })), [language]);
  return { t, language, w, guest, urgency };
}

/** The half of a `{zh, en}` pair that fits; text that is not a pair is taken as it is. */
export function side(value: unknown, language: Language): string {
  if (typeof value === "string") return value;
  if (value && typeof value === "object") {
    const pair = value as Record<string, unknown>;
    const found = language === "en" ? (pair["en"] ?? pair["zh"]) : (pair["zh"] ?? pair["en"]);
    if (typeof found === "string") return found;
  }
  return "";
}
