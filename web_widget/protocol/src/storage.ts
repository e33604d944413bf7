/** What the client keeps over a reload. Every call may fail silently (private windows, full disks). */
export interface Store {
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
  keys(): string[];
}

/** Kept for as long as the page lives. */
export function memoryStore(): Store {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key) ?? null,
    set: (key, value) => void values.set(key, value),
    remove: (key) => void values.delete(key),
    keys: () => [...values.keys()],
  };
}

type WebStorage = Pick<globalThis.Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** A Web Storage area, with memory in front so that a storage that refuses costs only the reload. */
export function webStore(area: () => WebStorage): Store {
  const memory = memoryStore();
  const attempt = <T>(action: (storage: WebStorage) => T, otherwise: T): T => {
    try {
      return action(area());
    } catch {
      return otherwise;
    }
  };
  return {
    get: (key) => attempt((storage) => storage.getItem(key), null) ?? memory.get(key),
    set(key, value) {
      const kept = attempt((storage) => {
        storage.setItem(key, value);
        return true;
      }, false);
      if (!kept) memory.set(key, value);
    },
    remove(key) {
      memory.remove(key);
      attempt((storage) => {
        storage.removeItem(key);
      }, undefined);
    },
    keys: () =>
      attempt((storage) => Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? ""), []).concat(
        memory.keys(),
      ),
  };
}
