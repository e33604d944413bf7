import { Http, type HttpOptions } from "./http.ts";
import type { QueueOffered } from "./frames.gen.ts";
import type { Head, Row, Status } from "./rows.ts";

export type Role = "agent" | "supervisor" | "editor" | "admin";
export type Availability = "online" | "busy" | "away" | "offline";

export interface Agent {
  id: string;
  name: string;
  email: string;
  role: Role;
  languages: string[];
  skills: string[];
  capacity: number;
  availability: Availability;
}

export interface Waiting {
  entry: string;
  conv: string;
  escalation: string;
  reason: string;
  reason_zh: string;
  reason_en: string;
  evidence: string[];
  negative: number;
  priority: number;
  language: string;
  /** Empty when nobody knows it; `visitor_short` then makes the label. */
  visitor_name: string;
  visitor_short: string;
  waiting_since: number;
  state: string;
  offered_to: string | null;
}

export interface DeskQueue {
  id: string;
  name: string;
  skills: string[];
  waiting: number;
  online: number;
}

export interface Summary {
  conv: string;
  status: Status;
  version: number;
  last_seq: number;
  agent: string | null;
  agent_name: string | null;
  /** Empty when nobody knows it; `visitor_short` then makes the label. */
  visitor_name: string;
  visitor_short: string;
  preview: string;
  /** Of an event or a briefing, when nothing was said. */
  preview_zh: string;
  preview_en: string;
  last_activity: number;
  language: string;
  negative: number | null;
  unread: number;
}

export interface Customer {
  id: string;
  name: string;
  short: string;
  email: string | null;
  phone: string | null;
  verified: boolean;
  tier: string | null;
  attributes: Record<string, unknown>;
}

export interface Escalation {
  id: string;
  rule: string;
  reason_zh?: string;
  reason_en?: string;
  [field: string]: unknown;
}

export interface DeskConversation extends Head {
  visitor: Customer;
  escalations: Escalation[];
  past: Summary[];
}

export interface VerdictView {
  seq: number;
  decision: "answer" | "offer" | "escalate";
  rule: string;
  score: number;
  threshold: number;
  negative: number;
  level: string | number;
  label: string;
  evidence: string[];
  signals: Record<string, unknown>;
  reason_zh: string;
  reason_en: string;
}

export type View = "mine" | "waiting" | "all" | "resolved";

/** The desk's half of the HTTP API: cookie session, CSRF token kept here after login or me. */
export class DeskApi {
  csrf = "";
  readonly http: Http;

  constructor(options: HttpOptions = {}) {
    this.http = new Http({ ...options, headers: (): Record<string, string> => (this.csrf ? { "x-csrf-token": this.csrf } : {}) });
  }

  async login(email: string, password: string): Promise<Agent> {
    return this.signedIn(await this.http.post("/api/v1/desk/login", { email, password }));
  }

  async me(): Promise<Agent> {
    return this.signedIn(await this.http.get("/api/v1/desk/me"));
  }

  logout(): Promise<unknown> {
    return this.http.post("/api/v1/desk/logout");
  }

  async ticket(): Promise<string> {
    return (await this.http.post<{ ticket: string }>("/api/v1/desk/ticket")).ticket;
  }

  async queue(): Promise<Waiting[]> {
    return (await this.http.get<{ entries: Waiting[] }>("/api/v1/desk/queue")).entries;
  }

  offers(): Promise<{ offers: QueueOffered[] } | QueueOffered[]> {
    return this.http.get("/api/v1/desk/offers");
  }

  conversations(view: View, q = "", cursor = ""): Promise<{ conversations: Summary[]; cursor: string | null }> {
    return this.http.get("/api/v1/desk/conversations", { view, q, cursor });
  }

  conversation(conv: string): Promise<DeskConversation> {
    return this.http.get(`/api/v1/desk/conversations/${conv}`);
  }

  messages(conv: string, before?: number, limit = 50): Promise<{ messages: Row[]; more: boolean }> {
    return this.http.get(`/api/v1/desk/conversations/${conv}/messages`, { before, limit });
  }

  async verdicts(conv: string): Promise<VerdictView[]> {
    return (await this.http.get<{ verdicts: VerdictView[] }>(`/api/v1/desk/conversations/${conv}/verdicts`)).verdicts;
  }

  agents(): Promise<unknown> {
    return this.http.get("/api/v1/desk/agents");
  }

  canned(): Promise<unknown> {
    return this.http.get("/api/v1/desk/canned");
  }

  async queues(): Promise<DeskQueue[]> {
    return (await this.http.get<{ queues: DeskQueue[] }>("/api/v1/desk/queues")).queues;
  }

  leftMessages(): Promise<unknown> {
    return this.http.get("/api/v1/desk/left-messages");
  }

  finishLeftMessage(id: string): Promise<unknown> {
    return this.http.post(`/api/v1/desk/left-messages/${id}/done`);
  }

  private signedIn(answer: { agent: Agent; csrf: string }): Agent {
    this.csrf = answer.csrf;
    return answer.agent;
  }
}
