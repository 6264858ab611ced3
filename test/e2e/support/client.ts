import { names } from '../../../src/api/names.ts';

import type { Cluster } from './cluster.ts';
import { apply, exec, waitCondition } from './kubectl.ts';
import { probePod } from './pods.ts';

/** A pod with psql and the application's connection Secret, as an application would have it. */
export interface SqlClient {
  /** Rows as lines, columns separated by `|`; throws with psql's own message. `sslmode` is verify-full unless told otherwise. */
  psql(host: string, query: string, sslmode?: string): Promise<string>;
  /** The same by the URI under this key of the Secret, and verifying as the documentation says to. */
  psqlByUri(key: string, query: string): Promise<string>;
}

export async function startClient(cluster: Cluster): Promise<SqlClient> {
  const pod = `client-${cluster.name}`;
  await apply(
    probePod({
      name: pod,
      namespace: cluster.namespace,
      command: ['sleep', 'infinity'],
      volumes: [{ name: 'credentials', mountPath: '/credentials', source: { secret: { secretName: names.applicationSecret(cluster.name), defaultMode: 0o440 } } }],
    }),
  );
  await waitCondition(cluster.namespace, `pod/${pod}`, 'Ready', 60_000);
  // The password is read inside the pod, so that it is in no argument and no log of the tests.
  const script = `
    cd /credentials
    export PGPASSWORD="$(cat password)" PGUSER="$(cat user 2>/dev/null || cat username)" PGDATABASE="$(cat dbname 2>/dev/null || cat database)"
    exec psql -XAtq -v ON_ERROR_STOP=1 "host=$0 port=5432 sslmode=$1 sslrootcert=/credentials/ca.crt connect_timeout=5" -f -`;
  const byUri = `exec psql -XAtq -v ON_ERROR_STOP=1 "$(cat "/credentials/$0")&sslmode=verify-full&sslrootcert=/credentials/ca.crt" -f -`;
  return {
    psqlByUri: async (key, query) => (await exec({ namespace: cluster.namespace, pod }, ['sh', '-c', byUri, key], { input: query, timeoutMs: 30_000 })).trimEnd(),
    psql: async (host, query, sslmode = 'verify-full') =>
      (await exec({ namespace: cluster.namespace, pod }, ['sh', '-c', script, host, sslmode], { input: query, timeoutMs: 30_000 })).trimEnd(),
  };
}
