import { expect, test } from '@jest/globals';
import { createMetrics } from './metrics.ts';

test('offers the names and labels that controller-runtime dashboards ask for', async () => {
  const metrics = createMetrics({ processMetrics: true });
  metrics.reconcileTotal.inc({ controller: 'patronicluster', result: 'success' });
  metrics.reconcileTime.observe({ controller: 'patronicluster' }, 0.02);
  metrics.queueDepth.set({ name: 'patronicluster' }, 3);
  metrics.restClientRequests.inc({ code: '200', method: 'GET', host: 'api:443' });
  metrics.leaderElectionStatus.set({ name: 'patroni-operator' }, 1);
  const text = await metrics.registry.metrics();
  expect(text).toContain('controller_runtime_reconcile_total{controller="patronicluster",result="success"} 1');
  expect(text).toContain('workqueue_depth{name="patronicluster"} 3');
  expect(text).toContain('rest_client_requests_total{code="200",method="GET",host="api:443"} 1');
  expect(text).toContain('leader_election_master_status{name="patroni-operator"} 1');
  expect(text).toContain('controller_runtime_reconcile_time_seconds_bucket{le="0.025",controller="patronicluster"} 1');
  for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds', 'nodejs_eventloop_lag_max_seconds'])
    expect(text).toContain(name);
});

test('two registries do not share numbers', async () => {
  const one = createMetrics({ processMetrics: false });
  const two = createMetrics({ processMetrics: false });
  one.queueAdds.inc({ name: 'q' });
  expect((await two.queueAdds.get()).values).toEqual([]);
});
