import type { Instant } from "./types";

/** Milliseconds since 1970, or null; ISO text without an offset counts as UTC. */
export function millis(value: Instant): number | null {
  if (value === null || value === undefined || value === "") return null;
  if (typeof value === "number") return value;
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value}Z`;
  const parsed = Date.parse(zoned);
  return Number.isNaN(parsed) ? null : parsed;
}

/** 75 s → "1:15", 3,700 s → "1:01:40": a running clock. */
export function clock(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const two = (n: number) => String(n).padStart(2, "0");
  const tail = `${hours ? two(minutes) : minutes}:${two(total % 60)}`;
  return hours ? `${hours}:${tail}` : tail;
}

/** A rounded length of time in words: "40 s", "12 min", "3 h"; 秒/分钟/小时 in Chinese. */
export function duration(ms: number, language: string): string {
  const zh = language.startsWith("zh");
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return zh ? `${seconds} 秒` : `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return zh ? `${minutes} 分钟` : `${minutes} min`;
  const hours = Math.round(minutes / 60);
  if (hours < 48) return zh ? `${hours} 小时` : `${hours} h`;
  const days = Math.round(hours / 24);
  return zh ? `${days} 天` : `${days} d`;
}

/** Today "14:05", this year "11-22 14:05", else the date. */
export function moment(value: Instant, language: string, now: number = Date.now()): string {
  const at = millis(value);
  if (at === null) return "";
  const date = new Date(at);
  const today = new Date(now);
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (date.toDateString() === today.toDateString()) return date.toLocaleTimeString(language, time);
  if (date.getFullYear() === today.getFullYear())
    return date.toLocaleString(language, { month: "short", day: "numeric", ...time });
  return date.toLocaleDateString(language, { year: "numeric", month: "short", day: "numeric" });
}

/** The day of a row, for the separators of a transcript. */
export function dayOf(ts: number, language: string): string {
  return new Date(ts).toLocaleDateString(language, { year: "numeric", month: "long", day: "numeric", weekday: "short" });
}
