/** Go-style durations as Kubernetes writes them (`30s`, `1h30m`, `500ms`), always in milliseconds here. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^(?:[0-9]+(?:\.[0-9]+)?(?:ms|h|m|s))+$/;
const PART = /([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)/g;

/** Milliseconds of a duration such as `1h30m`, or undefined when `text` is none. Units: h, m, s, ms; no sign; `0` alone is allowed. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!DURATION.test(text)) return undefined;
  let totalMs = 0;
  for (const [, number = '', unit = ''] of text.matchAll(PART)) totalMs += Number(number) * (UNIT_MS[unit] ?? 0);
  return totalMs;
}

/** Shortest exact form of whole milliseconds: 90_000 → `1m30s`, 0 → `0s`. */
export function formatDuration(ms: number): string {
  let restMs = Math.round(ms);
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms'] as const) {
    const scale = UNIT_MS[unit] ?? 1;
    const count = Math.floor(restMs / scale);
    if (count > 0) text += `${count}${unit}`;
    restMs -= count * scale;
  }
  return text === '' ? '0s' : text;
}
