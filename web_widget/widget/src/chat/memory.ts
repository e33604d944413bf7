import type { Store, VisitorKey } from "@jieli/protocol";

const parse = <T>(text: string | null): T | null => {
  try {
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
};

/** What this browser remembers of one inbox: who the visitor is, what was read, which answers helped. */
export class Memory {
  constructor(
    private readonly store: Store,
    private readonly inbox: string,
  ) {}

  get visitor(): VisitorKey | null {
    return parse<VisitorKey>(this.get("visitor"));
  }

  set visitor(key: VisitorKey | null) {
    this.set("visitor", JSON.stringify(key));
  }

  read(conv: string): number {
    return Number(this.get(`read.${conv}`) ?? 0);
  }

  setRead(conv: string, seq: number): void {
    this.set(`read.${conv}`, String(seq));
  }

  thumbs(conv: string): Record<number, boolean> {
    return parse<Record<number, boolean>>(this.get(`thumbs.${conv}`)) ?? {};
  }

  setThumbs(conv: string, thumbs: Record<number, boolean>): void {
    this.set(`thumbs.${conv}`, JSON.stringify(thumbs));
  }

  /** Everything of every inbox, unsent messages too. */
  forget(): void {
    for (const key of this.store.keys()) if (key.startsWith("jieli.")) this.store.remove(key);
  }

  private get(name: string): string | null {
    return this.store.get(`jieli.${this.inbox}.${name}`);
  }

  private set(name: string, value: string): void {
    this.store.set(`jieli.${this.inbox}.${name}`, value);
  }
}
