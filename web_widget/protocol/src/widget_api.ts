import { Http, type HttpOptions } from "./http.ts";
import type { Head, Row } from "./rows.ts";

export interface VisitorKey {
  id: string;
  secret: string;
}

export interface Inbox {
  id: string;
  name: string;
  languages: string[];
  texts: Record<string, unknown>;
  look: Record<string, unknown>;
  availability: unknown;
}

export interface Session {
  visitor: { id: string; secret?: string | null };
  epoch: string;
  conversation: Head | null;
  inbox: Inbox;
}

export interface SessionRequest {
  inbox: string;
  visitor?: VisitorKey;
  language: string;
  page?: string;
  identity?: unknown;
}

/** The widget's half of the HTTP API. `key` gives the visitor's credentials once there are any. */
export class WidgetApi {
  private readonly http: Http;

  constructor(key: () => VisitorKey | null, options: HttpOptions = {}) {
    this.http = new Http({
      ...options,
      headers: (): Record<string, string> => {
        const visitor = key();
        return visitor ? { authorization: `Bearer ${visitor.id}.${visitor.secret}` } : {};
      },
    });
  }

  session(request: SessionRequest): Promise<Session> {
    return this.http.post("/api/v1/widget/session", request);
  }

  async ticket(): Promise<string> {
    return (await this.http.post<{ ticket: string }>("/api/v1/widget/ticket")).ticket;
  }

  open(language: string): Promise<Head> {
    return this.http.post("/api/v1/widget/conversations", { language });
  }

  head(conv: string): Promise<Head> {
    return this.http.get(`/api/v1/widget/conversations/${conv}`);
  }

  /** A page of rows before `before` (the newest without it), oldest first. */
  messages(conv: string, before?: number, limit = 50): Promise<{ messages: Row[]; more: boolean }> {
    return this.http.get(`/api/v1/widget/conversations/${conv}/messages`, { before, limit });
  }
}
