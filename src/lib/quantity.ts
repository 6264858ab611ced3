/**
 * Kubernetes quantities (`100m`, `1.5Gi`, `2e3`): sizes in bytes, CPU in cores.
 * Grammar after k8s.io/apimachinery/pkg/api/resource/quantity.go: sign, decimal number, then a binary suffix, a decimal suffix or an exponent.
 */

const BINARY: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 };
const DECIMAL: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
};

const QUANTITY = /^([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:([eE][+-]?[0-9]+)|(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E))?$/;

/** The value of a quantity in its base unit (bytes, cores, pieces), or undefined when `text` is not a quantity. Numbers are taken as they are. */
export function parseQuantity(text: string | number): number | undefined {
  if (typeof text === 'number') return Number.isFinite(text) ? text : undefined;
  const match = QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, number = '', exponent = '', suffix = ''] = match;
  const binary = BINARY[suffix];
  if (binary !== undefined) return Number(number) * binary;
  // Dividing is exact where multiplying is not: 3 * 1e-3 is 0.003, but 0.1 + 0.2 style errors appear at 1.1 * 1e-3.
  const scale = DECIMAL[suffix] ?? 1;
  const base = Number(`${number}${exponent}`);
  return scale < 1 ? base / Math.round(1 / scale) : base * scale;
}

/** Negative when `a` is less than `b`, 0 when equal in value (`1Gi` and `1024Mi`), positive otherwise; undefined when either is no quantity. */
export function compareQuantities(a: string | number, b: string | number): number | undefined {
  const left = parseQuantity(a);
  const right = parseQuantity(b);
  if (left === undefined || right === undefined) return undefined;
  // CPU is kept to the nano, so a relative difference below 1e-12 is rounding.
  return Math.abs(left - right) <= 1e-12 * Math.max(Math.abs(left), Math.abs(right)) ? 0 : left - right;
}

/** Whether both are quantities of the same value. */
export function equalQuantities(a: string | number, b: string | number): boolean {
  return compareQuantities(a, b) === 0;
}

/** Bytes in the largest binary unit that keeps them whole: 1073741824 → `1Gi`, 1000 → `1000`. */
export function formatBytes(bytes: number): string {
  for (const unit of ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki'] as const) {
    const scale = BINARY[unit] ?? 1;
    if (bytes !== 0 && bytes % scale === 0) return `${bytes / scale}${unit}`;
  }
  return String(Math.round(bytes));
}

/** Cores as Kubernetes writes them: 2 → `2`, 0.25 → `250m`; anything finer than a millicore is rounded up, as the scheduler does. */
export function formatCores(cores: number): string {
  const milli = Math.ceil(Math.round(cores * 1e9) / 1e6);
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
}
