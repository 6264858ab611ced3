import { describe, expect, test } from '@jest/globals';

import { parseMetrics, quantile, sum } from './metrics.ts';

const scrape = (counts: readonly number[]) =>
  parseMetrics(
    [
      '# HELP t_seconds time',
      '# TYPE t_seconds histogram',
      ...['0.1', '1', '+Inf'].map((le, i) => `t_seconds_bucket{le="${le}",controller="c"} ${counts[i] ?? 0}`),
      'requests_total{code="200",method="GET"} 5',
      'requests_total{code="201",method="POST"} 2',
      'requests_total_other 9',
    ].join('\n'),
  );

describe('sum', () => {
  test('adds the series of one metric only, by label if asked', () => {
    const samples = scrape([]);
    expect(sum(samples, 'requests_total')).toBe(7);
    expect(sum(samples, 'requests_total', (labels) => labels['method'] === 'POST')).toBe(2);
  });
});

describe('quantile', () => {
  const before = scrape([10, 10, 10]);

  test('looks at what was observed between two scrapes, interpolated within the bucket', () => {
    expect(quantile(0.5, 't_seconds', before, scrape([20, 20, 20]))).toBeCloseTo(0.05);
    expect(quantile(0.75, 't_seconds', before, scrape([15, 20, 20]))).toBeCloseTo(0.55);
  });

  test('is the highest bound when the observation is beyond all of them', () => {
    expect(quantile(0.99, 't_seconds', before, scrape([10, 10, 20]))).toBe(1);
  });

  test('is undefined when nothing was observed', () => {
    expect(quantile(0.5, 't_seconds', before, before)).toBeUndefined();
  });
});
