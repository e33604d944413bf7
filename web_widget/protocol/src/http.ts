/** An error of the server's HTTP API: a stable `code`, `message` and `hint` for people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint = "",
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Trying again with the same credentials cannot help. */
  get fatal(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

export interface HttpOptions {
  /** Origin of the server, without a slash at the end; empty for the page's own. */
  base?: string;
  language?: () => string;
  headers?: () => Record<string, string>;
  fetch?: typeof fetch;
}

export type Query = Record<string, string | number | undefined | null>;

/** Calls of the JSON API; every failure is an ApiError, code `unreachable` when there was no answer. */
export class Http {
  constructor(private readonly options: HttpOptions = {}) {}

  get<T>(path: string, query: Query = {}): Promise<T> {
    const pairs = Object.entries(query).flatMap(([key, value]) => (value == null || value === "" ? [] : [[key, String(value)]]));
    const tail = pairs.length ? `?${new URLSearchParams(pairs).toString()}` : "";
    return this.call<T>("GET", path + tail);
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.call<T>("POST", path, body);
  }

  delete<T>(path: string): Promise<T> {
    return this.call<T>("DELETE", path);
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const form = typeof FormData !== "undefined" && body instanceof FormData;
    const headers: Record<string, string> = { accept: "application/json", ...this.options.headers?.() };
    const language = this.options.language?.();
    if (language) headers["accept-language"] = language;
    if (body !== undefined && !form) headers["content-type"] = "application/json";
    const init: RequestInit = { method, headers, credentials: "same-origin" };
    if (body !== undefined) init.body = form ? (body as FormData) : JSON.stringify(body);
    let answer: Response;
    try {
      answer = await (this.options.fetch ?? fetch)((this.options.base ?? "") + path, init);
    } catch (error) {
      throw new ApiError(0, "unreachable", error instanceof Error ? error.message : "");
    }
    const text = await answer.text();
    if (!answer.ok) throw toError(answer.status, text);
    return (text ? JSON.parse(text) : null) as T;
  }
}

function toError(status: number, text: string): ApiError {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; hint?: string } };
    return new ApiError(status, error.code, error.message, error.hint);
  } catch {
    return new ApiError(status, "http_error", `HTTP ${status}`);
  }
}
