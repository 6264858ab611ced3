import { isDeepStrictEqual } from 'node:util';

import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { cluster } from '../../test/golden/cluster.ts';
import { patroniSchemaErrors } from '../../test/support/patroni-schema.ts';
import { randomSpec } from '../../test/support/random-spec.ts';
import { deepMerge } from '../lib/deep-merge.ts';
import { valueAtPath } from '../lib/json-path.ts';
import { checkConfig } from './check.ts';
import { bootstrapSection, localBase, wantedLocalConfig } from './local-config.ts';
import { PROTECTED_LOCAL } from './protected.ts';

/** What comes from the environment of the pod. */
const FROM_POD = {
  name: 'orders-postgres-0',
  restapi: { connect_address: 'orders-postgres-0.shop.svc.cluster.local:8008' },
  postgresql: { connect_address: 'orders-postgres-0.shop.svc.cluster.local:5432' },
};

test('10,000 random specs pass the validator, render what Patroni’s own validator accepts, and keep every protected key', () => {
  fc.assert(
    fc.property(randomSpec, (spec) => {
      const c = cluster(spec);
      const base = localBase(c);
      const local = wantedLocalConfig(c);
      const lost = PROTECTED_LOCAL.filter(({ path }) => valueAtPath(base, path) !== undefined && !isDeepStrictEqual(valueAtPath(local, path), valueAtPath(base, path)));
      const findings = [...checkConfig(c).errors, ...patroniSchemaErrors(deepMerge(deepMerge(local, bootstrapSection(c)), FROM_POD)), ...lost];
      // One call of expect for 10,000 specs: it costs more than what is tested.
      if (findings.length > 0) expect(findings).toEqual([]);
    }),
    { numRuns: 10_000 },
  );
}, 60_000);
