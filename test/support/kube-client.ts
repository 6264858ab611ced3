/** A client of an API server at a plain URL: `const { rest, transport } = kubeClient(api.url)`; close the transport afterwards. */
import { systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createKubeRest, type KubeRest } from '../../src/kube/rest.ts';
import { createTransport, type Transport } from '../../src/kube/transport.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';

export interface KubeClient {
  readonly rest: KubeRest;
  readonly transport: Transport;
  readonly metrics: Metrics;
}

export function kubeClient(server: string): KubeClient {
  const metrics = createMetrics({ processMetrics: false });
  const credentials = { headers: new Secret({ authorization: 'Bearer test' }), tls: {}, tlsHash: 'none' };
  const access = { server, credentials: () => Promise.resolve(credentials), refresh: () => undefined };
  const transport = createTransport({ access, version: '0.0.0-test', clock: systemClock, metrics });
  return { rest: createKubeRest(transport), transport, metrics };
}
