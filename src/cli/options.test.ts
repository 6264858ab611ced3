import { describe, expect, test } from '@jest/globals';

import { operatorConfig } from './operator-config.ts';
import { runSettings } from './run/settings.ts';

const empty = runSettings({}, {});

describe('settings', () => {
  test('have defaults that need no environment', () => {
    expect(empty).toMatchObject({
      watchNamespaces: [],
      leaderElection: true,
      leaseName: 'patroni-operator',
      workers: 4,
      metricsPort: 8080,
      healthPort: 8081,
      logLevel: 'info',
    });
    expect(empty.operator.images).toEqual({
      postgres: {
        14: 'ghcr.io/patroni-operator/postgres:14',
        15: 'ghcr.io/patroni-operator/postgres:15',
        16: 'ghcr.io/patroni-operator/postgres:16',
        17: 'ghcr.io/patroni-operator/postgres:17',
        18: 'ghcr.io/patroni-operator/postgres:18',
      },
      etcd: 'ghcr.io/patroni-operator/etcd:3.6',
      haproxy: 'ghcr.io/patroni-operator/haproxy:3.0',
    });
    for (const absent of ['kubeconfig', 'context', 'leaseNamespace', 'podName']) expect(empty).not.toHaveProperty(absent);
    expect(empty.operator).not.toHaveProperty('operatorPods');
  });

  test('come from the environment that the chart sets', () => {
    const settings = runSettings(
      {},
      {
        POD_NAME: 'op-1',
        POD_NAMESPACE: 'system',
        PATRONI_OPERATOR_POD_LABELS: 'app.kubernetes.io/name=patroni-operator,app.kubernetes.io/instance=x',
        PATRONI_OPERATOR_WATCH_NAMESPACES: 'shop, bank',
        PATRONI_OPERATOR_LOG_LEVEL: 'debug',
        PATRONI_OPERATOR_CLUSTER_DOMAIN: 'k8s.example',
        PATRONI_OPERATOR_IMAGES_POSTGRES: '16=r/pg:16@sha256:ab,17=r:5000/pg:17',
        PATRONI_OPERATOR_IMAGE_ETCD: 'r/etcd',
        PATRONI_OPERATOR_LEADER_ELECTION: 'false',
        PATRONI_OPERATOR_METRICS_PORT: '0',
      },
    );
    expect(settings).toMatchObject({
      podName: 'op-1',
      leaseNamespace: 'system',
      watchNamespaces: ['shop', 'bank'],
      logLevel: 'debug',
      leaderElection: false,
      metricsPort: 0,
    });
    expect(settings.operator).toEqual({
      images: {
        postgres: { 16: 'r/pg:16@sha256:ab', 17: 'r:5000/pg:17' },
        etcd: 'r/etcd',
        haproxy: 'ghcr.io/patroni-operator/haproxy:3.0',
      },
      clusterDomain: 'k8s.example',
      operatorPods: { namespace: 'system', labels: { 'app.kubernetes.io/name': 'patroni-operator', 'app.kubernetes.io/instance': 'x' } },
    });
  });

  test('let a flag win, and take an empty variable as absent', () => {
    expect(runSettings({ workers: '8' }, { PATRONI_OPERATOR_WORKERS: '2' }).workers).toBe(8);
    expect(runSettings({}, { PATRONI_OPERATOR_WORKERS: '', PATRONI_OPERATOR_WATCH_NAMESPACES: ' ' })).toEqual(empty);
  });

  test('read images as JSON too', () => {
    expect(operatorConfig({ imagesPostgres: '{"17": "a=b,c"}' }, {}).images.postgres).toEqual({ 17: 'a=b,c' });
  });

  test.each([
    ['PATRONI_OPERATOR_WORKERS', '0', 'must be a number from 1 to 9999, not 0'],
    ['PATRONI_OPERATOR_METRICS_PORT', '70000', 'must be a port from 0 to 65535 (0 turns it off), not 70000'],
    ['PATRONI_OPERATOR_LEADER_ELECTION', 'yes', 'must be true or false, not yes'],
    ['PATRONI_OPERATOR_LOG_LEVEL', 'loud', 'must be one of debug, info, warn, error, not loud'],
    ['PATRONI_OPERATOR_IMAGES_POSTGRES', '17', 'must be a list such as KEY=VALUE,KEY=VALUE, and 17 is not KEY=VALUE'],
    ['PATRONI_OPERATOR_IMAGES_POSTGRES', '{"17": 1}', 'starts with { and is no JSON object of texts'],
    ['PATRONI_OPERATOR_IMAGES_POSTGRES', '{17', 'starts with { and is no JSON object of texts'],
  ])('refuse %s=%s by name', (name, value, why) => {
    expect(() => runSettings({}, { [name]: value })).toThrow(`${name} ${why}`);
  });

  test('name the flag when the flag is wrong', () => {
    expect(() => runSettings({ logLevel: 'loud' }, {})).toThrow('--log-level must be one of');
  });
});
