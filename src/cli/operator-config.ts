import type { OperatorConfig } from '../api/effective.ts';
import { parsePairs, parseText, settingValue, type Flags, type Setting } from './options.ts';

/** Images that a release of the operator works with when nobody names others. */
const IMAGES = 'ghcr.io/patroni-operator';
const POSTGRES_IMAGES = Object.fromEntries(['14', '15', '16', '17', '18'].map((major) => [major, `${IMAGES}/postgres:${major}`]));

/** What every cluster shares; `render` and `validate` take the same flags as `run`, so that they judge and print what the operator would. */
export const CLUSTER_SETTINGS = {
  imagesPostgres: {
    flags: '--images-postgres <list>',
    env: 'PATRONI_OPERATOR_IMAGES_POSTGRES',
    describe: 'PostgreSQL images by major version: 17=IMAGE,16=IMAGE or a JSON object',
    preset: POSTGRES_IMAGES,
    presetText: `N=${IMAGES}/postgres:N for 14 to 18`,
    parse: parsePairs,
  },
  imageEtcd: {
    flags: '--image-etcd <image>',
    env: 'PATRONI_OPERATOR_IMAGE_ETCD',
    describe: 'etcd image',
    preset: `${IMAGES}/etcd:3.6`,
    parse: parseText,
  },
  imageHaproxy: {
    flags: '--image-haproxy <image>',
    env: 'PATRONI_OPERATOR_IMAGE_HAPROXY',
    describe: 'HAProxy image',
    preset: `${IMAGES}/haproxy:3.0`,
    parse: parseText,
  },
  clusterDomain: {
    flags: '--cluster-domain <domain>',
    env: 'PATRONI_OPERATOR_CLUSTER_DOMAIN',
    describe: 'DNS domain of the Kubernetes cluster',
    preset: 'cluster.local',
    parse: parseText,
  },
} satisfies Record<string, Setting<unknown>>;

/** The pods of the operator, which NetworkPolicies admit; set by the chart. */
const POD_LABELS: Setting<Readonly<Record<string, string>>> = {
  flags: '--pod-labels <list>',
  env: 'PATRONI_OPERATOR_POD_LABELS',
  describe: '',
  preset: {},
  parse: parsePairs,
};

/**
 * The operator's configuration from flags and environment. `operatorPods` is there when the environment says namespace and labels of the operator's pods.
 * @throws ERR_CLI_OPTION
 */
export function operatorConfig(flags: Flags, env: Readonly<Record<string, string | undefined>>): OperatorConfig {
  const labels = settingValue(POD_LABELS, {}, env);
  const namespace = env['POD_NAMESPACE'] ?? '';
  return {
    images: {
      postgres: settingValue(CLUSTER_SETTINGS.imagesPostgres, flags, env),
      etcd: settingValue(CLUSTER_SETTINGS.imageEtcd, flags, env),
      haproxy: settingValue(CLUSTER_SETTINGS.imageHaproxy, flags, env),
    },
    clusterDomain: settingValue(CLUSTER_SETTINGS.clusterDomain, flags, env),
    ...(namespace === '' || Object.keys(labels).length === 0 ? {} : { operatorPods: { namespace, labels } }),
  };
}
