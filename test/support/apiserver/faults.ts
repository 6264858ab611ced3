/** Things that go wrong on purpose: failed, slow, cut-off requests, and a hook before and after every write. */
import { ApiError } from './api-error.ts';

export interface RequestFilter {
  /** `write` is everything but GET; `watch` a GET that watches; `read` any other GET. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'write' | 'read' | 'watch';
  /** Tested against the path with its query. */
  readonly path?: RegExp;
  readonly userAgent?: RegExp;
}

export type FaultAction =
  /** Answers with this status instead of doing anything. */
  | {
      readonly kind: 'status';
      readonly code: number;
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
    }
  /** Breaks the connection; nothing is done. */
  | { readonly kind: 'reset' }
  /** Does it, and breaks the connection before the answer. */
  | { readonly kind: 'lost-reply' }
  /** Does it, sends half of the answer, and breaks the connection. */
  | { readonly kind: 'partial-body' }
  /** Waits until `until` settles, then goes on as usual. */
  | { readonly kind: 'delay'; readonly until: Promise<unknown> };

export interface Fault extends RequestFilter {
  /** The first request to hit, counting matching ones from 1. @default 1 */
  readonly nth?: number;
  /** How many matching requests from there on. @default 1 */
  readonly times?: number;
  readonly action: FaultAction;
}

export interface PlacedFault {
  /** How many requests it has hit. */
  readonly hits: number;
  remove(): void;
}

/** `reset` breaks the connection: the client does not learn what happened. */
export type HookResult = 'reset' | undefined;
export type WriteHook = (write: { readonly n: number; readonly method: string; readonly path: string }) => Promise<HookResult> | HookResult;

export interface IncomingCall {
  readonly method: string;
  readonly url: string;
  readonly userAgent: string;
  readonly watch: boolean;
}

interface Placed {
  readonly fault: Fault;
  seen: number;
  hits: number;
}

export const matches = (filter: RequestFilter, call: IncomingCall): boolean => {
  const { method } = filter;
  if (method === 'write' && call.method === 'GET') return false;
  if (method === 'watch' && !call.watch) return false;
  if (method === 'read' && (call.method !== 'GET' || call.watch)) return false;
  if (method !== undefined && !['write', 'watch', 'read'].includes(method) && method !== call.method) return false;
  return (filter.path?.test(call.url) ?? true) && (filter.userAgent?.test(call.userAgent) ?? true);
};

export class Faults {
  readonly #placed = new Set<Placed>();
  #before: WriteHook | undefined;
  #after: WriteHook | undefined;
  #writes = 0;
  #filter: RequestFilter = {};

  add(fault: Fault): PlacedFault {
    const placed: Placed = { fault, seen: 0, hits: 0 };
    this.#placed.add(placed);
    return {
      get hits() {
        return placed.hits;
      },
      remove: () => void this.#placed.delete(placed),
    };
  }

  /**
   * Runs around every write (numbered from 1 from now on): `before` sees the request undone, `after` sees it committed and not yet answered.
   * A hook that returns 'reset' breaks the connection, `before` so that the write never happens. One pair at a time; `{}` removes it.
   */
  aroundWrites(hooks: { readonly before?: WriteHook; readonly after?: WriteHook } & RequestFilter): void {
    this.#before = hooks.before;
    this.#after = hooks.after;
    this.#filter = hooks;
    this.#writes = 0;
  }

  clear(): void {
    this.#placed.clear();
    this.aroundWrites({});
  }

  /** For the server: the fault that hits this request, if any. */
  take(call: IncomingCall): FaultAction | undefined {
    let action: FaultAction | undefined;
    for (const placed of this.#placed) {
      if (!matches(placed.fault, call)) continue;
      placed.seen++;
      const first = placed.fault.nth ?? 1;
      if (action !== undefined || placed.seen < first || placed.seen >= first + (placed.fault.times ?? 1)) continue;
      placed.hits++;
      action = placed.fault.action;
    }
    return action;
  }

  /** For the server: the hooks of this request. */
  hooks(call: IncomingCall): { before(): Promise<HookResult>; after(): Promise<HookResult> } {
    const none = (): Promise<HookResult> => Promise.resolve(undefined);
    if (call.method === 'GET' || (this.#before === undefined && this.#after === undefined) || !matches(this.#filter, call))
      return { before: none, after: none };
    const write = { n: ++this.#writes, method: call.method, path: call.url };
    return { before: async () => this.#before?.(write), after: async () => this.#after?.(write) };
  }
}

export const faultError = (action: Extract<FaultAction, { kind: 'status' }>): ApiError =>
  new ApiError(
    action.code,
    action.reason ?? REASONS[action.code] ?? 'InternalError',
    action.message ?? `fault: ${action.code}`,
    action.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: action.retryAfterSeconds },
  );

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};
