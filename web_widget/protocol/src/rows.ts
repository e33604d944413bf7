import type { Msg } from "./frames.gen.ts";

/** What stands in the rows of the log (docs/protocol.md, "A `msg` is one row of the log"). */
export type Row = Omit<Msg, "t">;
export type Author = "visitor" | "bot" | "agent" | "system";
export type Status = "with_bot" | "queued" | "with_agent" | "resolved";
export type Lang = "zh-CN" | "en";

export interface Citation {
  n: number;
  document: string;
  title: string;
  url?: string | null;
  path?: string | null;
  quote: string;
}

export interface TextBody {
  text: string;
  citations?: Citation[];
  answered?: boolean;
  confidence?: number;
  offer_person?: boolean;
}

export interface Bilingual {
  zh: string;
  en: string;
}

export interface BriefingBody {
  facts: Bilingual[];
  emotion: Bilingual;
  need: Bilingual;
  tried: Bilingual[];
  first_sentence: Bilingual;
  summary: Bilingual;
}

export type EventName =
  | "opened"
  | "queued"
  | "offered_person"
  | "assigned"
  | "returned_to_bot"
  | "requeued"
  | "resolved"
  | "reopened"
  | "left_message"
  | "rated"
  | "nobody_available";

export interface EventBody {
  event: EventName;
  text_zh?: string;
  text_en?: string;
  [data: string]: unknown;
}

export interface Head {
  id: string;
  status: Status;
  version: number;
  last_seq: number;
  language: string;
  agent: { id: string; name: string } | null;
  position: { position: number; size: number; wait_low_ms?: number | null; wait_high_ms?: number | null } | null;
  rated: boolean | number | null;
  /** How far each side has read. */
  visitor_read_seq?: number;
  agent_read_seq?: number;
}

export const asText = (row: Row): TextBody => row.body as unknown as TextBody;
export const asEvent = (row: Row): EventBody => row.body as unknown as EventBody;
export const asBriefing = (row: Row): BriefingBody => row.body as unknown as BriefingBody;
