/** Ports of a HAProxy pod. */
export const HAPROXY_PORTS = { rw: 5432, ro: 5433, status: 8404 } as const;

/** Where things are inside a HAProxy pod. */
export const HAPROXY_PATHS = {
  config: '/etc/haproxy',
  run: '/run/haproxy',
  tls: '/etc/haproxy-tls',
  ca: '/etc/haproxy-tls/ca.crt',
} as const;

/** Key of the ConfigMap, which is the name of the file in the pod. */
export const HAPROXY_CONFIG_KEY = 'haproxy.cfg';
