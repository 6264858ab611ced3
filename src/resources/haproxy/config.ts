import { type EffectiveCluster, POSTGRES_PORT } from '../../api/effective.ts';
import { names, podFqdn } from '../../api/names.ts';
import { connectionsPerServer } from '../../config/connections.ts';
import { shortHash } from '../../lib/canonical-json.ts';
import { HAPROXY_PATHS, HAPROXY_PORTS } from './layout.ts';

/** The least number of client connections a HAProxy takes; each takes about 33 kB while it moves data. */
const MIN_CONNECTIONS = 1000;

/**
 * haproxy.cfg for `members` PostgreSQL members (HAProxy >= 2.6). `GET /config-hash` on the metrics port answers with the hash of the text
 * (without that answer), which tells what a HAProxy has really loaded.
 */
export function haproxyConfig(c: EffectiveCluster, members: number): string {
  return [...body(c, members), ...status(haproxyConfigHash(c, members)), ''].join('\n');
}

/** What `GET /config-hash` of a HAProxy says once it has loaded the current file. */
export function haproxyConfigHash(c: EffectiveCluster, members: number): string {
  return shortHash(body(c, members).join('\n'));
}

function body(c: EffectiveCluster, members: number): readonly string[] {
  return [
    ...global(c, members),
    ...defaults(),
    ...resolvers(),
    ...readWrite(c, members),
    ...(c.spec.haproxy.readOnly.enabled ? readOnly(c, members) : []),
  ];
}

function global(c: EffectiveCluster, members: number): readonly string[] {
  const connections = Math.max(MIN_CONNECTIONS, 2 * connectionsPerServer(c) * members);
  return [
    'global',
    '  log stdout format raw daemon notice',
    `  maxconn ${connections}`,
    '  # the number of the node has nothing to do with the share of it that the container gets',
    '  nbthread 2',
    `  stats socket ${HAPROXY_PATHS.run}/admin.sock mode 600 level admin expose-fd listeners`,
    '  # a worker replaced by a reload lives on until its last connection ends, but no more than three of them',
    '  mworker-max-reloads 3',
    '  ssl-server-verify required',
    '  ssl-default-server-options ssl-min-ver TLSv1.2',
    '',
  ];
}

function defaults(): readonly string[] {
  return [
    'defaults',
    '  mode tcp',
    '  log global',
    '  # a pool may keep a connection idle for hours; keepalives, not idle time, tell the dead from the quiet',
    '  timeout client 24h',
    '  timeout server 24h',
    '  timeout client-fin 10s',
    '  timeout server-fin 10s',
    '  timeout connect 3s',
    '  timeout queue 30s',
    '  timeout check 3s',
    '  option clitcpka',
    '  clitcpka-idle 10s',
    '  clitcpka-intvl 5s',
    '  clitcpka-cnt 3',
    '  option srvtcpka',
    '  srvtcpka-idle 10s',
    '  srvtcpka-intvl 5s',
    '  srvtcpka-cnt 3',
    '',
  ];
}

function resolvers(): readonly string[] {
  return [
    'resolvers kubernetes',
    '  parse-resolv-conf',
    '  accepted_payload_size 8192',
    '  resolve_retries 3',
    '  timeout resolve 1s',
    '  timeout retry 1s',
    '  hold valid 1s',
    '  # A member whose name is gone keeps its last address and stays down by its checks. Forgetting the address would put it into maintenance, and HAProxy takes a',
    '  # server that comes out of maintenance for healthy until its first check fails. Not `hold obsolete`: it would keep the old address beside the new one.',
    '  hold nx 24h',
    '  hold other 24h',
    '  hold refused 24h',
    '  hold timeout 24h',
    '',
  ];
}

/**
 * The check of the leader decides how long writes wait after a switchover: a new leader is found within 0.3 s, a former one is dropped after two
 * answers (0.7 s). A check that merely gets no answer needs two times three seconds, so that a busy REST API (five threads) does not cost all connections.
 * A check costs a member 3 ms of CPU (measured, Patroni 4.1.5 with P-256 certificates).
 *
 * HAProxy takes every server for healthy until its first check has failed: after its start and after every reload, for up to a second (measured; `init-state`
 * exists from HAProxy 3.1 on only). There is one leader at most, so as long as several servers seem to be it, connections wait and are refused in the end; they never
 * reach a replica. While there is none at all (names not resolved yet, no leader), they wait a moment too: that is what makes a reload invisible to clients.
 */
function readWrite(c: EffectiveCluster, members: number): readonly string[] {
  return [
    'frontend rw',
    `  bind :${HAPROXY_PORTS.rw}`,
    '  tcp-request inspect-delay 100ms',
    '  tcp-request content accept if { nbsrv(rw) eq 1 }',
    '  tcp-request content accept if WAIT_END',
    '  default_backend rw',
    '',
    'backend rw',
    '  # refuse at once rather than try the stopping leader again each second: the client finds the new one sooner',
    '  retries 0',
    '  tcp-request inspect-delay 400ms',
    '  tcp-request content accept if { nbsrv(rw) le 1 }',
    '  tcp-request content reject if WAIT_END',
    ...check('/primary'),
    '  default-server inter 500ms fastinter 150ms downinter 250ms rise 1 fall 2 on-marked-down shutdown-sessions',
    ...servers(c, members),
    '',
  ];
}

/** Replicas only, spread by the number of connections: no stick table and no `backup`, either of which would send everything to one of them. */
function readOnly(c: EffectiveCluster, members: number): readonly string[] {
  const lag = c.maxLagBytes === undefined ? '' : `?lag=${c.maxLagBytes}`;
  // A cluster that wants no replica still offers its read-only address, served by the only member. With replicas wanted the leader never serves it.
  const path = c.spec.postgres.replicas > 1 ? `/replica${lag}` : '/read-only';
  return [
    'frontend ro',
    `  bind :${HAPROXY_PORTS.ro}`,
    '  default_backend ro',
    '',
    'backend ro',
    '  balance leastconn',
    '  retries 2',
    '  option redispatch 1',
    ...check(path),
    '  default-server inter 2s fastinter 1s downinter 2s rise 1 fall 2 on-marked-down shutdown-sessions',
    ...servers(c, members),
    '',
  ];
}

function check(path: string): readonly string[] {
  return ['  option httpchk', `  http-check send meth OPTIONS uri ${path}`, '  http-check expect status 200'];
}

function servers(c: EffectiveCluster, members: number): readonly string[] {
  const tls = `check-ssl verify required ca-file ${HAPROXY_PATHS.ca}`;
  return Array.from({ length: members }, (_, ordinal) => {
    const fqdn = podFqdn(c.name, c.namespace, 'postgres', ordinal, c.clusterDomain);
    return (
      `  server ${names.pod(c.name, 'postgres', ordinal)} ${fqdn}:${POSTGRES_PORT} maxconn ${connectionsPerServer(c)}` +
      ` check port ${c.spec.patroni.listenPort} ${tls} check-sni ${fqdn} verifyhost ${fqdn} resolvers kubernetes init-addr none`
    );
  });
}

function status(hash: string): readonly string[] {
  return [
    'frontend status',
    '  mode http',
    `  bind :${HAPROXY_PORTS.status}`,
    '  timeout client 10s',
    '  timeout http-request 5s',
    '  monitor-uri /healthz',
    '  http-request use-service prometheus-exporter if { path /metrics }',
    `  http-request return status 200 content-type text/plain string ${hash} if { path /config-hash }`,
    '  http-request return status 404',
  ];
}
