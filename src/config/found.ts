import { problem, type Problem, type SpecErrorCode } from '../api/problem.ts';

/** A problem before it is sorted into errors and warnings. */
export interface Found extends Problem {
  readonly severity: 'error' | 'warning';
}

export function found(severity: Found['severity'], code: SpecErrorCode, path: string, message: string): Found {
  return { ...problem(code, path, message), severity };
}
