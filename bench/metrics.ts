/** Samples of one scrape in the Prometheus text format, by `name{labels}`. */
export type Samples = ReadonlyMap<string, number>;

export function parseMetrics(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const at = line.lastIndexOf(' ');
    samples.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return samples;
}

/** Sum of the samples of a metric whose labels pass. */
export function sum(samples: Samples, name: string, passes: (labels: Readonly<Record<string, string>>) => boolean = () => true): number {
  let total = 0;
  for (const [key, value] of samples) {
    if ((key === name || key.startsWith(`${name}{`)) && passes(labelsOf(key))) total += value;
  }
  return total;
}

function labelsOf(key: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...key.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [name, value]));
}

/**
 * Quantile of the observations that a histogram gained between two scrapes, over all its series; interpolated within the bucket as Prometheus'
 * `histogram_quantile` does. Undefined without any observation.
 */
export function quantile(q: number, name: string, before: Samples, after: Samples): number | undefined {
  const buckets = new Map<number, number>();
  for (const [key, value] of after) {
    if (!key.startsWith(`${name}_bucket{`)) continue;
    const le = Number((labelsOf(key)['le'] ?? '').replace('+Inf', 'Infinity'));
    buckets.set(le, (buckets.get(le) ?? 0) + value - (before.get(key) ?? 0));
  }
  const sorted = [...buckets].sort((a, b) => a[0] - b[0]);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  let [lower, below] = [0, 0];
  for (const [upper, count] of sorted) {
    if (count >= q * total) return upper === Infinity ? lower : lower + ((upper - lower) * (q * total - below)) / Math.max(count - below, 1);
    [lower, below] = [upper, count];
  }
  return lower;
}
