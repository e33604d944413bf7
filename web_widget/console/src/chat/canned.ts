import type { CannedReply } from "../lib/types";

/** Replies that fit a typed code, those in the conversation's language first, one a code and language. */
export function matching(replies: readonly CannedReply[], typed: string, language: string): CannedReply[] {
  const needle = typed.toLowerCase();
  const near = (reply: CannedReply) => (reply.language.slice(0, 2) === language.slice(0, 2) ? 0 : 1);
  return replies
    .filter((r) => r.short_code.toLowerCase().includes(needle) || r.text.toLowerCase().includes(needle))
    .sort((a, b) => near(a) - near(b) || a.short_code.localeCompare(b.short_code))
    .slice(0, 8);
}

/** The text with variables filled in: {visitor}, {agent}; `{{contact.name}}`-like forms are left alone. */
export function filled(text: string, values: { visitor: string; agent: string }): string {
  return text.replace(/\{(visitor|agent)\}/g, (_, name: "visitor" | "agent") => values[name]);
}

/** The `/code` at the cursor, if the word that is being typed is one. */
export function codeAt(text: string, cursor: number): { from: number; typed: string } | null {
  const found = /(?:^|\s)\/([^\s/]*)$/.exec(text.slice(0, cursor));
  return found ? { from: cursor - (found[1] ?? "").length - 1, typed: found[1] ?? "" } : null;
}
