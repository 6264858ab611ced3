import { describe, expect, test } from '@jest/globals';

import { observed } from '../../../test/support/model/observed.ts';
import { effectiveCluster } from '../../api/effective.ts';
import { OPERATOR } from '../../../test/support/model/cluster.ts';
import { wantedDynamicConfig } from '../../config/dynamic-config.ts';
import { valueAtPath } from '../../lib/json-path.ts';
import { decide } from '../decide.ts';
import type { Observed } from '../observed.ts';

const GI = 2 ** 30;
const memory = (limit: string) => ({ postgres: { resources: { limits: { memory: limit } } } });

/** A cluster whose spec says 4Gi and whose pods have that much each. */
function resized(...podGi: readonly number[]): Observed {
  const seen = observed({ spec: memory('4Gi') });
  const before = effectiveCluster({ ...seen.cluster, spec: observed({ spec: memory('1Gi') }).cluster.spec }, OPERATOR);
  const pods = seen.pods.map((pod) => (pod.component === 'postgres' ? { ...pod, memoryBytes: (podGi[pod.ordinal] ?? 4) * GI } : pod));
  return { ...seen, pods, dynamicConfig: wantedDynamicConfig(before) };
}

const sharedBuffers = (seen: Observed): unknown =>
  decide(seen).actions.flatMap((action) => (action.kind === 'patchDynamicConfig' ? [valueAtPath(action.patch, ['postgresql', 'parameters', 'shared_buffers'])] : []))[0];

describe('settings that are computed from memory', () => {
  test('stay as they are while a pod with less memory runs', () => {
    expect(sharedBuffers(resized(4, 4, 1))).toBeUndefined();
  });

  test('grow once every pod has the memory', () => {
    expect(sharedBuffers(resized(4, 4, 4))).toBe('1024MB');
  });

  test('shrink at once when the spec asks for less', () => {
    const seen = resized(4, 4, 4);
    const smaller = observed({ spec: memory('512Mi') });
    expect(sharedBuffers({ ...smaller, pods: seen.pods, dynamicConfig: seen.dynamicConfig ?? {} })).toBe('128MB');
  });
});
