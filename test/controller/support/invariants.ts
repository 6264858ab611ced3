import type { ApiServer } from '../../support/apiserver/server.ts';

import { componentOf, isReady, type Pod } from './nodes.ts';

interface Stored {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** Contents that are made once and never again. Leaf certificates are renewed, so they are not among them. */
const ONCE = ['password', 'ca.key'];

/**
 * What must hold at every moment of every test, read from each change of the store: a password or CA key never changes, the etcd latch never goes back to `new`. What must never
 * happen to PostgreSQL (`hazards`) counts as well: a restart while another member is away, a leader that has outgrown a standby.
 * And a count that tests ask for: how many Postgres pods were out at once.
 */
export interface Invariants {
  /** What was broken, in words. */
  readonly violations: readonly string[];
  /** Begins to count anew. */
  watchPods(component?: string): void;
  /**
   * The most pods of that component that were out at one time since `watchPods`: terminating, absent, or new and not ready yet. A replica that reconnects to a new leader is
   * not ready for a moment as well, but nobody took it out.
   */
  readonly mostOut: () => number;
  /** Pods in the order in which they were marked for deletion since `watchPods`. */
  readonly deleted: () => readonly string[];
}

export function watchInvariants(api: ApiServer, hazards: () => readonly string[]): Invariants {
  const violations: string[] = [];
  const known = new Map<string, string>();
  let watched: { readonly component: string; readonly count: number } | undefined;
  let mostOut = 0;
  let deleted: string[] = [];
  const everReady = new Set<string>();
  const podsOf = (component: string) => api.objects.list<Pod>('pods').filter((pod) => componentOf(pod) === component);

  api.objects.onChange(({ type, resource, object }) => {
    const { metadata, data = {} } = object as unknown as Stored;
    const name = `${metadata.namespace ?? ''}/${metadata.name}`;
    if (resource === '/secrets') {
      for (const key of ONCE) {
        const id = `${name}#${key}`;
        const before = known.get(id);
        if (type === 'DELETED') known.delete(id);
        else if (before !== undefined && before !== data[key]) violations.push(`${key} of Secret ${name} changed`);
        if (type !== 'DELETED' && data[key] !== undefined) known.set(id, data[key]);
      }
    }
    if (resource === '/configmaps' && data['initial-cluster-state'] !== undefined) {
      const id = `${name}#state`;
      if (known.get(id) === 'existing' && data['initial-cluster-state'] === 'new') violations.push(`etcd latch ${name} went back to new`);
      if (type === 'DELETED') known.delete(id);
      else known.set(id, data['initial-cluster-state']);
    }
    if (resource === '/pods' && watched !== undefined) {
      const pod = object as unknown as Pod;
      if (componentOf(pod) !== watched.component) return;
      if (isReady(pod)) everReady.add(pod.metadata.uid);
      const whole = podsOf(watched.component).filter((each) => each.metadata.deletionTimestamp === undefined && everReady.has(each.metadata.uid)).length;
      mostOut = Math.max(mostOut, watched.count - whole);
      const { deletionTimestamp } = pod.metadata;
      if (deletionTimestamp !== undefined && deleted.at(-1) !== pod.metadata.name) deleted.push(pod.metadata.name);
    }
  });

  return {
    get violations() {
      return [...violations, ...hazards()];
    },
    watchPods: (component = 'postgres') => {
      watched = { component, count: podsOf(component).length };
      for (const pod of podsOf(component)) if (isReady(pod)) everReady.add(pod.metadata.uid);
      mostOut = 0;
      deleted = [];
    },
    mostOut: () => mostOut,
    deleted: () => deleted,
  };
}
