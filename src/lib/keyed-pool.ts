/** Reusable resources (connection agents with their certificates) by key: at most `capacity`, least recently used first out. */
export interface KeyedPool<T> {
  /** The resource of `key`; made anew when there is none or its fingerprint differs (a rotated certificate). The replaced one is closed. */
  get(key: string, fingerprint: string, create: () => T): T;
  /** Closes the resource of `key`, if any. */
  dispose(key: string): void;
  /** Closes all resources. */
  clear(): void;
  size(): number;
}

/** @param options.close is called once for each resource that leaves the pool; it must let work in progress finish and must not throw. */
export function createKeyedPool<T>(options: { readonly capacity: number; readonly close: (resource: T) => void }): KeyedPool<T> {
  // A Map iterates in order of insertion, so the first entry is the least recently used one.
  const entries = new Map<string, { readonly fingerprint: string; readonly resource: T }>();
  const dispose = (key: string): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    options.close(entry.resource);
  };
  const evictOldest = (): void => {
    for (const key of entries.keys()) {
      if (entries.size <= options.capacity) return;
      dispose(key);
    }
  };
  return {
    get(key, fingerprint, create) {
      const found = entries.get(key);
      if (found?.fingerprint === fingerprint) {
        entries.delete(key);
        entries.set(key, found);
        return found.resource;
      }
      const resource = create();
      dispose(key);
      entries.set(key, { fingerprint, resource });
      evictOldest();
      return resource;
    },
    dispose,
    clear() {
      for (const key of [...entries.keys()]) dispose(key);
    },
    size: () => entries.size,
  };
}
