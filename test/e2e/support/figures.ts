import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { environment } from './environment.ts';

/** A measured number with the limit it must keep. */
export interface Figure {
  /** What was measured, as it stands in the table: `write gap, switchover`. */
  readonly figure: string;
  readonly value: number;
  readonly unit: 's' | 'rows' | 'requests' | 'pods';
  /** The value may be at most this. Absent: for information. */
  readonly limit?: number;
  /** A value over the limit is shown as OVER; only one over this fails the scenario. For limits that chance decides in part. @default limit */
  readonly failAbove?: number;
  /** What helps to read it, such as the gaps of the two clients. */
  readonly detail?: string;
}

export const seconds = (ms: number): number => Math.round(ms / 10) / 100;

/** Writes the figure down for the table at the end of the run, then throws when it is over its limit (or `failAbove`, where that is given). */
export function record(figure: Figure): void {
  const { output } = environment();
  mkdirSync(output, { recursive: true });
  appendFileSync(join(output, 'figures.jsonl'), `${JSON.stringify(figure)}\n`);
  if (figure.limit !== undefined && !(figure.value <= (figure.failAbove ?? figure.limit))) {
    throw new Error(`${figure.figure}: ${figure.value} ${figure.unit} is over the limit of ${figure.limit} ${figure.unit}${figure.detail === undefined ? '' : ` (${figure.detail})`}`);
  }
}
