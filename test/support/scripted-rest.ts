/**
 * A KubeRest for reflector tests that answers by script: each list or watch takes the next step, and one that is not in the script is remembered as
 * a defect, so that a reconnect a test did not expect fails it (`expectDone`).
 */
import { expect } from '@jest/globals';
import { OperatorError } from '../../src/errors.ts';
import type { KubeRest, ListOptions, ListPage, WatchOptions } from '../../src/kube/rest.ts';
import type { KubeObject, ResourceKind } from '../../src/kube/types.ts';
import type { WatchEvent } from '../../src/kube/watch-stream.ts';

const facts = { method: 'GET', path: '/api/v1/pods' };

/** The server's end of one watch. */
export class WatchFeed {
  readonly options: WatchOptions;
  private readonly queue: (WatchEvent<KubeObject> | Error | 'end')[] = [];
  private wake: () => void = () => undefined;

  constructor(options: WatchOptions) {
    this.options = options;
    options.signal?.addEventListener('abort', () => this.put(new OperatorError('ERR_KUBE_ABORTED', facts)), { once: true });
  }

  send(type: WatchEvent<KubeObject>['type'], object: KubeObject): void {
    this.put({ type, object });
  }

  /** A bookmark; with `initialEnd` the one that ends a streaming list. */
  bookmark(resourceVersion: string, initialEnd = false): void {
    const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
    this.send('BOOKMARK', { apiVersion: 'v1', kind: 'Pod', metadata: { name: '', resourceVersion, ...annotations } });
  }

  /** The server ends the watch in good order. */
  end(): void {
    this.put('end');
  }

  fail(error: Error): void {
    this.put(error);
  }

  async *events(): AsyncGenerator<WatchEvent<KubeObject>> {
    for (;;) {
      const next = this.queue.shift();
      if (next === undefined) await new Promise<void>((resolve) => (this.wake = resolve));
      else if (next === 'end') return;
      else if (next instanceof Error) throw next;
      else yield next;
    }
  }

  private put(item: WatchEvent<KubeObject> | Error | 'end'): void {
    this.queue.push(item);
    this.wake();
  }
}

type Step =
  | { readonly verb: 'list'; readonly answer: (options: ListOptions) => ListPage<KubeObject> | Promise<ListPage<KubeObject>> }
  | { readonly verb: 'watch'; readonly answer: (feed: WatchFeed) => void };

export class ScriptedRest {
  /** Every request made, in order. */
  readonly requests: { readonly verb: 'list' | 'watch'; readonly options: Pick<ListOptions, 'limit' | 'continue' | 'namespace'> & WatchOptions }[] = [];
  private readonly steps: Step[] = [];
  private readonly unexpected: string[] = [];
  private feed: WatchFeed | undefined;

  /** The next request must be a list, answered so. */
  onList(answer: (options: ListOptions) => ListPage<KubeObject> | Promise<ListPage<KubeObject>>): this {
    this.steps.push({ verb: 'list', answer });
    return this;
  }

  /** The next request must be a watch; `answer` may send the first events, later ones go through `watch()`. */
  onWatch(answer: (feed: WatchFeed) => void = () => undefined): this {
    this.steps.push({ verb: 'watch', answer });
    return this;
  }

  /** The next request must be a watch, refused with `error`. */
  onWatchFail(error: Error): this {
    return this.onWatch((feed) => feed.fail(error));
  }

  /** The server's end of the watch opened last. */
  watch(): WatchFeed {
    if (this.feed === undefined) throw new Error('no watch was opened');
    return this.feed;
  }

  /** Fails when a request came that was not scripted, or one that was did not come. */
  expectDone(): void {
    expect(this.unexpected).toEqual([]);
    expect(this.steps.map((step) => step.verb)).toEqual([]);
  }

  readonly rest = {
    list: async (_kind: ResourceKind, options: ListOptions = {}) => {
      this.requests.push({ verb: 'list', options });
      const step = this.take('list');
      if (step?.verb !== 'list') return new Promise(() => undefined);
      return step.answer(options);
    },
    watch: (_kind: ResourceKind, options: WatchOptions = {}) => {
      this.requests.push({ verb: 'watch', options });
      const feed = new WatchFeed(options);
      const step = this.take('watch');
      if (step?.verb === 'watch') {
        this.feed = feed;
        step.answer(feed);
      }
      return feed.events();
    },
  } as unknown as Pick<KubeRest, 'list' | 'watch'>;

  private take(verb: 'list' | 'watch'): Step | undefined {
    const step = this.steps.shift();
    if (step?.verb !== verb) this.unexpected.push(`${verb} instead of ${step?.verb ?? 'nothing'}`);
    return step;
  }
}
