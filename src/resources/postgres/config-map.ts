import type { EffectiveCluster } from '../../api/effective.ts';
import { names } from '../../api/names.ts';
import type { Manifest } from '../../api/objects.ts';
import { metadata } from '../common/metadata.ts';
import { bootstrapConfig, memberFiles, patroniConfig } from './patroni-config.ts';
import { pgServiceFile } from './pg-service.ts';

/** Keys of the ConfigMap, which are the names of the files in the pod. */
export const PATRONI_FILES = { config: '10-patroni.yml', bootstrap: '20-bootstrap.yml', service: 'pg_service.conf' } as const;

/**
 * The file of one member. Its name must not end in `.yml` or `.yaml`, or every member would read it; the entry point of the image (`images/postgres/member-config`) knows the name.
 */
const memberFile = (ordinal: number): string => `member-${ordinal}.tags`;

/** `<name>-patroni`: everything Patroni and libpq read in a Postgres pod that is no secret. */
export function patroniConfigMap(c: EffectiveCluster): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(c, names.patroniConfigMap(c.name), { component: 'postgres' }),
    data: {
      [PATRONI_FILES.config]: patroniConfig(c),
      [PATRONI_FILES.bootstrap]: bootstrapConfig(c),
      [PATRONI_FILES.service]: pgServiceFile(),
      ...Object.fromEntries(memberFiles(c).map(({ ordinal, text }) => [memberFile(ordinal), text])),
    },
  };
}
