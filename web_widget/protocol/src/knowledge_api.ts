import type { Http } from "./http.ts";

export interface KnowledgeDocument {
  id: string;
  title: string;
  path: string;
  url: string | null;
  language: string;
  status: string;
  chunks: number;
  updated: number | string;
  error: string | null;
}

export interface KnowledgePage extends Omit<KnowledgeDocument, "chunks"> {
  text: string;
  chunks: { id: string; ordinal: number; heading: string; text: string }[];
}

export interface IngestReport {
  document: string | null;
  path: string;
  status: "indexed" | "skipped" | "failed";
  chunks: number;
  code: string | null;
  reason_zh: string;
  reason_en: string;
  ms: number;
}

export interface SearchAnswer {
  hits: {
    document: string;
    title: string;
    path: string;
    url: string | null;
    chunk: string;
    heading: string;
    text: string;
    score: number;
    stages: Record<string, number>;
  }[];
  confidence: number;
  answered: boolean;
  ms: number;
}

/** The knowledge half of the HTTP API; shares the desk's session (`new KnowledgeApi(desk.http)`). */
export class KnowledgeApi {
  constructor(private readonly http: Http) {}

  async collections(): Promise<{ name: string; documents: number; chunks: number }[]> {
    type Answer = { collections: { name: string; documents: number; chunks: number }[] };
    return (await this.http.get<Answer>("/api/v1/kb/collections")).collections;
  }

  async documents(filter: { collection?: string; q?: string; status?: string } = {}): Promise<KnowledgeDocument[]> {
    return (await this.http.get<{ documents: KnowledgeDocument[] }>("/api/v1/kb/documents", filter)).documents;
  }

  async upload(files: readonly File[], collection: string, publish: boolean): Promise<IngestReport[]> {
    const form = new FormData();
    for (const file of files) form.append("files", file);
    form.append("collection", collection);
    form.append("publish", String(publish));
    return (await this.http.post<{ reports: IngestReport[] }>("/api/v1/kb/documents", form)).reports;
  }

  async fetchUrl(url: string, collection: string, publish: boolean): Promise<IngestReport[]> {
    const body = { url, collection, publish };
    return (await this.http.post<{ reports: IngestReport[] }>("/api/v1/kb/documents/url", body)).reports;
  }

  document(id: string): Promise<KnowledgePage> {
    return this.http.get(`/api/v1/kb/documents/${id}`);
  }

  publish(id: string): Promise<KnowledgeDocument> {
    return this.http.post(`/api/v1/kb/documents/${id}/publish`);
  }

  archive(id: string): Promise<KnowledgeDocument> {
    return this.http.post(`/api/v1/kb/documents/${id}/archive`);
  }

  delete(id: string): Promise<KnowledgeDocument> {
    return this.http.delete(`/api/v1/kb/documents/${id}`);
  }

  search(q: string, collection = "", k = 8): Promise<SearchAnswer> {
    return this.http.get("/api/v1/kb/search", { q, collection, k });
  }
}
