import { Worker } from 'node:worker_threads';

/** Longest event-loop delay of a thread that does nothing: what the machine itself does to every process. */
export interface IdleThread {
  /** The longest delay so far in ms; the thread ends. */
  stop(): Promise<number>;
}

// Measured as prom-client measures the operator: perf_hooks with its default resolution of 10 ms, which is part of each figure.
const SOURCE = `
  const { monitorEventLoopDelay } = require('node:perf_hooks');
  const { parentPort } = require('node:worker_threads');
  const histogram = monitorEventLoopDelay();
  histogram.enable();
  parentPort.once('message', () => parentPort.postMessage(histogram.max / 1e6));
`;

export function watchIdleThread(): IdleThread {
  const worker = new Worker(SOURCE, { eval: true });
  return {
    stop: () =>
      new Promise((resolve, reject) => {
        worker.once('error', reject);
        worker.once('message', (longestMs: number) => {
          resolve(longestMs);
          void worker.terminate();
        });
        worker.postMessage('report');
      }),
  };
}
