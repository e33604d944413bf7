type Listener<T> = (value: T) => void;

/** Typed events: `E` maps an event's name to what it carries. */
export class Emitter<E extends object> {
  private readonly listeners = new Map<keyof E, Set<Listener<never>>>();

  /** Calls `listener` on every `event`; returns a function that stops it. */
  on<K extends keyof E>(event: K, listener: Listener<E[K]>): () => void {
    const set = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, set.add(listener as Listener<never>));
    return () => {
      set.delete(listener as Listener<never>);
    };
  }

  emit<K extends keyof E>(event: K, value: E[K]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) (listener as Listener<E[K]>)(value);
  }
}
