import type { Delta } from "./frames.gen.ts";

interface Stream {
  text: string;
  next: number;
}

/** Puts the pieces of answers in the making together. A lost piece stops a stream until a snapshot or the final row. */
export class Streams {
  private readonly open = new Map<string, Stream>();

  /** The text so far, or null when the piece changes nothing (repeated, or after a hole). */
  take(delta: Delta): string | null {
    const known = this.open.get(delta.stream);
    if (delta.snapshot) {
      if (known && known.next > delta.n) return null;
      this.open.set(delta.stream, { text: delta.text, next: delta.n + 1 });
      return delta.text;
    }
    const stream = known ?? { text: "", next: 0 };
    if (delta.n !== stream.next) return null;
    stream.text += delta.text;
    stream.next += 1;
    this.open.set(delta.stream, stream);
    return stream.text;
  }

  /** The final row of a stream has come. */
  end(stream: string): void {
    this.open.delete(stream);
  }
}
