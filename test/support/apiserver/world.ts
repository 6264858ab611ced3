/** What all request handlers share. */
import type { JsonObject } from './json.ts';
import type { Registry } from './registry.ts';
import type { Store } from './store.ts';

export interface World {
  readonly store: Store;
  readonly registry: Registry;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Answer 404 for objects in namespaces that do not exist. */
  readonly namespacesMustExist: boolean;
  /** Delete what a removed owner owned. */
  readonly garbageCollection: boolean;
  /** Runs after the current request has been answered, e.g. garbage collection. */
  readonly later: (task: () => void) => void;
  /** Addresses for Services. */
  readonly nextClusterIp: () => string;
}

/** RFC 3339 in whole seconds, as metav1.Time is written. */
export const timestamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  /** '' for the object itself. */
  readonly subresource: string;
  /** Collects texts for the Warning header. */
  readonly warnings: string[];
}

export interface Outcome {
  readonly object: JsonObject;
  /** False when nothing had to be written. */
  readonly changed: boolean;
  readonly created: boolean;
}
