/** What was asked of the server, for tests that count. */
import { matches, type RequestFilter } from './faults.ts';
import type { Verb } from './route.ts';

export interface LoggedRequest {
  readonly n: number;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly userAgent: string;
  /** Undefined for discovery and the like. */
  readonly verb: Verb | undefined;
  /** `group/plural`, e.g. `apps/statefulsets`, `/pods`. */
  readonly resource: string | undefined;
  readonly namespace: string;
  readonly name: string | undefined;
  readonly subresource: string;
  readonly body: string;
  /** HTTP status; undefined while unanswered, 0 when the connection was broken. */
  readonly status: number | undefined;
  /** Whether it changed the store: a no-op apply does not. */
  readonly committed: boolean;
}

export type MutableLog = { -readonly [K in keyof LoggedRequest]: LoggedRequest[K] };

export class RequestLog {
  #entries: MutableLog[] = [];

  /** For the server. */
  add(entry: Omit<MutableLog, 'n'>): MutableLog {
    const logged = { n: this.#entries.length + 1, ...entry };
    this.#entries.push(logged);
    return logged;
  }

  all(filter: RequestFilter = {}): readonly LoggedRequest[] {
    return this.#entries.filter((each) => {
      const query = new URLSearchParams(each.query).toString();
      const url = query === '' ? each.path : `${each.path}?${query}`;
      return matches(filter, { method: each.method, url, userAgent: each.userAgent, watch: each.verb === 'watch' });
    });
  }

  /** Requests other than GET. */
  writes(filter: Omit<RequestFilter, 'method'> = {}): readonly LoggedRequest[] {
    return this.all({ ...filter, method: 'write' });
  }

  /** Requests that changed something. */
  committed(filter: Omit<RequestFilter, 'method'> = {}): readonly LoggedRequest[] {
    return this.writes(filter).filter((each) => each.committed);
  }

  clear(): void {
    this.#entries = [];
  }
}
