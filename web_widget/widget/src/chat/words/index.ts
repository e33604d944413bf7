import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Locale } from "../../shared/messages.ts";
import { en } from "./en.ts";
import { zh, type Words } from "./zh.ts";

export type { Words };
export const wordsOf = (locale: Locale): Words => (locale === "en" ? en : zh);

/** Puts values into the {places} of a text. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}

export const LocaleContext = createContext<Locale>("en");

export function useWords(): { w: Words; locale: Locale } {
  const locale = useContext(LocaleContext);
  return { w: wordsOf(locale), locale };
}
