import type { EffectiveCluster } from '../api/effective.ts';
import { wantedParameter } from './dynamic-config.ts';

/** PostgreSQL's own default, for a cluster whose spec takes max_connections away from the operator. */
const POSTGRES_DEFAULT = 100;

/** Connections that a HAProxy opens to one member at most: what the spec says, or 90 % of max_connections, so that administrators still get in. */
export function connectionsPerServer(c: EffectiveCluster): number {
  const limit = Number(wantedParameter(c, 'max_connections') ?? POSTGRES_DEFAULT);
  return c.spec.haproxy.maxConnectionsPerServer ?? Math.max(1, Math.floor((Number.isFinite(limit) ? limit : POSTGRES_DEFAULT) * 0.9));
}
