import { dump } from 'js-yaml';

import type { CliIo } from '../io.ts';

export const FORMATS = ['text', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

/** Exit codes of `config explain` and `config diff`. A failure of the command itself is 1, as everywhere. */
export const EXIT = { fine: 0, failed: 1, rejected: 2, notInForce: 3, differs: 3 } as const;

/** One result: as data, and how people read it. */
export interface Document {
  readonly data: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly exitCode: number;
}

/** Prints the documents, one as it is and several as a List, and gives the exit code: that of the gravest, which is `rejected` before `notInForce`. */
export function print(io: CliIo, format: Format, documents: readonly Document[]): number {
  const items = documents.map(({ data }) => data);
  const whole = items.length === 1 ? items[0] : { kind: 'List', items };
  switch (format) {
    case 'text':
      io.out(documents.map(({ text }) => text).join('\n'));
      break;
    case 'json':
      io.out(`${JSON.stringify(whole, null, 2)}\n`);
      break;
    case 'yaml':
      io.out(dump(JSON.parse(JSON.stringify(whole)), { noRefs: true, lineWidth: -1 }));
      break;
  }
  const codes = documents.map(({ exitCode }) => exitCode);
  return [EXIT.failed, EXIT.rejected, EXIT.notInForce].find((code) => codes.includes(code)) ?? EXIT.fine;
}
