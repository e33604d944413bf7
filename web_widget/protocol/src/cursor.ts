import type { Msg, Subd } from "./frames.gen.ts";
import type { Clock } from "./clock.ts";

export const GAP_MS = 200;

export interface CursorActions {
  /** Ask for the rows after `after`. */
  subscribe(after: number, epoch: string | null): void;
  apply(row: Msg): void;
  /** The log cannot be continued from here: load it by HTTP, then call `restart`. */
  reload(head: Subd): void;
}

/** One followed conversation: hands rows on once each and in order, and asks again for what is missing. */
export class Cursor {
  private readonly held = new Map<number, Msg>();
  private cancelGap: (() => void) | null = null;
  private pageEnd = 0;
  private more = false;
  private stale = false;

  constructor(
    private after: number,
    private epoch: string | null,
    private readonly clock: Clock,
    private readonly act: CursorActions,
  ) {}

  /** Seq of the last row handed on. */
  get last(): number {
    return this.after;
  }

  /** (Re)subscribe, on every new socket. */
  subscribe(): void {
    this.stopGap();
    if (!this.stale) this.act.subscribe(this.after, this.epoch);
  }

  /** The history was loaded by HTTP up to `after`; go on from there. */
  restart(after: number, epoch: string | null): void {
    this.stale = false;
    this.after = after;
    this.epoch = epoch;
    for (const seq of [...this.held.keys()]) if (seq <= after) this.held.delete(seq);
    this.subscribe();
  }

  /** The server's answer to sub; `epoch` is the one of its welcome. */
  subscribed(head: Subd, epoch: string | null): void {
    if (!head.recovered) {
      this.stale = true;
      this.held.clear();
      this.stopGap();
      this.act.reload(head);
      return;
    }
    this.epoch = epoch;
    this.more = head.more ?? false;
    this.pageEnd = head.to ?? 0;
    this.nextPage();
  }

  receive(row: Msg): void {
    if (this.stale || row.seq <= this.after) return;
    this.held.set(row.seq, row);
    for (let next = this.held.get(this.after + 1); next; next = this.held.get(this.after + 1)) {
      this.held.delete(next.seq);
      this.after = next.seq;
      this.act.apply(next);
    }
    this.nextPage();
    if (this.held.size === 0) this.stopGap();
    else
      this.cancelGap ??= this.clock.after(GAP_MS, () => {
        this.subscribe();
      });
  }

  stop(): void {
    this.stopGap();
  }

  private nextPage(): void {
    if (!this.more || this.after < this.pageEnd) return;
    this.more = false;
    this.subscribe();
  }

  private stopGap(): void {
    this.cancelGap?.();
    this.cancelGap = null;
  }
}
