import { describe, expect } from '@jest/globals';

import { CLUSTER_LABEL } from '../../src/api/meta.ts';

import { auditPosition, isLease, isWrite, requestsSince, summary, type Request } from './support/audit.ts';
import { clusterItem, type Cluster } from './support/cluster.ts';
import { record } from './support/figures.ts';
import { list } from './support/kubectl.ts';
import { killOperator, operatorUser, waitOperator } from './support/operator.ts';
import { scenario } from './support/scenario.ts';
import { sharedCluster } from './support/shared.ts';
import { pause, waitFor } from './support/shell.ts';

const QUIET_MS = 45_000;

/** Kinds whose objects nobody but the operator writes while nothing happens. */
const KINDS = 'patroniclusters,patronioperations,statefulsets,pods,services,configmaps,secrets,persistentvolumeclaims,poddisruptionbudgets,networkpolicies';

async function versions(cluster: Cluster): Promise<Record<string, string>> {
  const items = await list(cluster.namespace, KINDS, `${CLUSTER_LABEL}=${cluster.name}`);
  const own = await clusterItem(cluster);
  return Object.fromEntries([...items, own].map((item) => [`${item.kind ?? ''}/${item.metadata.name}`, item.metadata.resourceVersion]));
}

const settled = (cluster: Cluster): Promise<boolean> =>
  waitFor(
    'the cluster settled',
    async () => {
      const { metadata, status } = await clusterItem(cluster);
      const reconciling = status?.conditions?.find((condition) => condition.type === 'Reconciling');
      return status?.observedGeneration === metadata.generation && reconciling?.status === 'False' ? true : undefined;
    },
    { timeoutMs: 60_000 },
  );

function writesSince(position: number | undefined): readonly Request[] {
  return position === undefined ? [] : requestsSince(position, operatorUser()).filter((request) => isWrite(request) && !isLease(request));
}

describe('steady state', () => {
  scenario('the operator writes nothing while nothing happens', async () => {
    const { cluster } = await sharedCluster();
    await settled(cluster);
    await pause(10_000);
    const before = await versions(cluster);
    const position = auditPosition();
    await pause(QUIET_MS);
    expect(await versions(cluster)).toEqual(before);
    const writes = writesSince(position);
    const all = position === undefined ? [] : requestsSince(position, operatorUser()).filter((request) => !isLease(request));
    record({ figure: `writes by the operator in ${QUIET_MS / 1000} s of steady state`, value: writes.length, unit: 'requests', limit: 0, detail: summary(writes) });
    record({ figure: `requests by the operator in ${QUIET_MS / 1000} s of steady state`, value: all.length, unit: 'requests', detail: summary(all) });
  });

  scenario("deleting the operator's pod changes no object", async () => {
    const { cluster } = await sharedCluster();
    await settled(cluster);
    const before = await versions(cluster);
    const position = auditPosition();
    await killOperator();
    await waitOperator();
    // Longer than a Lease that nobody gave back lasts (15 s): by then the new pod leads and has looked at everything.
    await pause(40_000);
    expect(await versions(cluster)).toEqual(before);
    const writes = writesSince(position).filter((request) => request.resource !== 'events');
    record({ figure: "writes after the operator's pod was deleted", value: writes.length, unit: 'requests', limit: 0, detail: summary(writes) });
  });
});
