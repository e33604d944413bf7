/** Answers of the desk's HTTP API that the protocol package leaves open. Instants: milliseconds or ISO text. */
import type { Agent, Availability, Customer, DeskConversation, Role } from "@jieli/protocol";

export type { Agent, Availability, Citation, Customer, Role, Status, Summary, VerdictView, View, Waiting } from "@jieli/protocol";

export type Instant = number | string | null | undefined;

export interface Session {
  agent: Agent;
}

export interface TeamMember {
  id: string;
  name: string;
  role?: Role;
  email?: string;
  availability: Availability;
  active: number;
  capacity: number;
  languages?: string[];
  skills?: string[];
  queues?: string[];
}

export type Judgement = "right" | "needless" | "too_late";

export interface EscalationRow {
  id: string;
  rule: string;
  priority?: number;
  reason_zh?: string;
  reason_en?: string;
  evidence?: (string | { text: string })[];
  negative?: number;
  requested?: Instant;
  accepted?: Instant;
  ended?: Instant;
  outcome?: string | null;
  wait_ms?: number | null;
  judgement?: Judgement | null;
}

export interface PastRow {
  id?: string;
  conv?: string;
  status: string;
  opened?: Instant;
  last_activity?: Instant;
  preview?: string;
}

export interface Detail extends Omit<DeskConversation, "escalations" | "past" | "visitor"> {
  visitor: Customer;
  escalations: EscalationRow[];
  past: PastRow[];
  opened?: Instant;
}

export interface CannedReply {
  id?: string;
  short_code: string;
  language: string;
  text: string;
}

export interface LeftMessage {
  id: string;
  conversation?: string;
  conv?: string;
  visitor_name?: string;
  contact: string;
  text: string;
  state: string;
  created: Instant;
}
