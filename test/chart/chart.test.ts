import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { envOf, kinds, only, podOf, renderedCase, renderedFile, rulesOf } from './rendered.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the chart', () => {
  test('carries the version of the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(load(read('charts/patroni-operator/Chart.yaml'))).toMatchObject({ apiVersion: 'v2', version, appVersion: version });
  });

  test('renders a Deployment, a service account, and rights in every namespace by default', () => {
    expect(kinds(renderedCase('default'))).toEqual([
      'ClusterRole',
      'ClusterRole',
      'ClusterRole',
      'ClusterRoleBinding',
      'Deployment',
      'Role',
      'RoleBinding',
      'ServiceAccount',
    ]);
  });

  test('runs under Pod Security level restricted, with a read-only root and a place for temporary files', () => {
    const { spec } = podOf(renderedCase('default'));
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } });
    expect(spec.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(spec.containers[0]['volumeMounts']).toEqual([{ name: 'tmp', mountPath: '/tmp' }]);
    expect(spec['volumes']).toMatchObject([{ name: 'tmp', emptyDir: {} }]);
  });

  test('tells the operator which pods are its own, as its selector says', () => {
    const objects = renderedCase('default');
    const { selector } = only(objects, 'Deployment')['spec'] as { selector: { matchLabels: Record<string, string> } };
    const env = envOf(objects);
    const pairs = env['PATRONI_OPERATOR_POD_LABELS']!.split(',').map((pair) => pair.split('='));
    expect(Object.fromEntries(pairs)).toEqual(selector.matchLabels);
    expect(podOf(objects).labels).toMatchObject(selector.matchLabels);
  });

  test.each([
    ['default', '--max-old-space-size=192 --max-semi-space-size=2'], // 256Mi
    ['everything', '--max-old-space-size=768 --max-semi-space-size=2'], // 1Gi
    ['nothing', undefined], // no limit
  ])('limits the heap to three quarters of the memory limit: %s', (name, options) => {
    expect(envOf(renderedCase(name))['NODE_OPTIONS']).toBe(options);
  });

  test('gives a Role in each watched namespace and no cluster-wide right at all when namespaces are named', () => {
    const objects = renderedCase('namespaced');
    expect(kinds(objects)).not.toContain('ClusterRole');
    expect(kinds(objects)).not.toContain('ClusterRoleBinding');
    const roles = objects.filter((object) => object.kind === 'Role' && !object.metadata.name.endsWith('-leader-election'));
    expect(roles.map((role) => role.metadata.namespace).sort()).toEqual(['billing', 'shop']);
    expect(envOf(objects)['PATRONI_OPERATOR_WATCH_NAMESPACES']).toBe('billing,shop');
    const cluster = renderedCase('default').find((object) => object.kind === 'ClusterRole' && object.metadata.name === 'patroni-operator')!;
    for (const role of roles) expect(rulesOf(role)).toEqual(rulesOf(cluster));
  });

  test('spreads two replicas over nodes and keeps one of them through a drain', () => {
    const objects = renderedCase('everything');
    expect(only(objects, 'PodDisruptionBudget')['spec']).toMatchObject({ maxUnavailable: 1 });
    expect(podOf(objects).spec.affinity).toHaveProperty('podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution');
    expect(kinds(renderedCase('default'))).not.toContain('PodDisruptionBudget');
  });

  test('replaces the pod instead of rolling it when there is no leader election', () => {
    expect(only(renderedCase('nothing'), 'Deployment')['spec']).toMatchObject({ strategy: { type: 'Recreate' } });
    expect(kinds(renderedCase('nothing'))).toEqual(['Deployment']);
    expect(podOf(renderedCase('nothing')).spec.serviceAccountName).toBe('given');
  });

  test('passes every setting to where it belongs', () => {
    const objects = renderedCase('everything');
    const { labels, spec } = podOf(objects);
    expect(spec.containers[0].image).toBe(`registry.example/patroni-operator@sha256:${'0123456789abcdef'.repeat(4)}`);
    expect(spec).toMatchObject({
      serviceAccountName: 'operator',
      priorityClassName: 'system-cluster-critical',
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      imagePullSecrets: [{ name: 'registry' }],
    });
    expect(spec['tolerations']).toHaveLength(1);
    expect(spec['topologySpreadConstraints']).toHaveLength(1);
    expect(labels['team']).toBe('db');
    expect(envOf(objects)).toMatchObject({
      EXTRA: '1',
      PATRONI_OPERATOR_CLUSTER_DOMAIN: 'k8s.example',
      PATRONI_OPERATOR_IMAGE_ETCD: 'registry.example/etcd:1',
      PATRONI_OPERATOR_IMAGE_HAPROXY: 'registry.example/haproxy:1',
      PATRONI_OPERATOR_LOG_LEVEL: 'debug',
    });
    expect(envOf(objects)['PATRONI_OPERATOR_IMAGES_POSTGRES']).toContain('17=registry.example/postgres:17');
    expect(only(objects, 'ServiceAccount').metadata.annotations).toEqual({ 'example.org/role': 'operator' });
    expect(objects.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name).sort()).toEqual(['pgo-metrics', 'pgo-webhook']);
    expect(only(objects, 'PodMonitor')).toMatchObject({
      metadata: { labels: { release: 'prometheus' } },
      spec: { podMetricsEndpoints: [{ port: 'metrics', interval: '15s' }] },
    });
    const { ingress } = only(objects, 'NetworkPolicy')['spec'] as { ingress: { from?: unknown[] }[] };
    expect(ingress.map(({ from }) => from?.length)).toEqual([undefined, undefined, 1]);
  });

  test('serves the webhook with a certificate of the operator’s own, and lets it touch one object outside of namespaces', () => {
    const objects = renderedCase('everything');
    const configuration = only(objects, 'ValidatingWebhookConfiguration');
    expect(configuration['webhooks']).toMatchObject([
      { clientConfig: { service: { name: 'pgo-webhook', path: '/validate-patronicluster' } }, failurePolicy: 'Fail', sideEffects: 'None', rules: [{ operations: ['CREATE', 'UPDATE'], resources: ['patroniclusters'] }] },
    ]);
    expect(envOf(objects)).toMatchObject({ PATRONI_OPERATOR_WEBHOOK_PORT: '9443', PATRONI_OPERATOR_WEBHOOK_NAME: 'pgo-webhook', PATRONI_OPERATOR_WEBHOOK_CONFIGURATION: configuration.metadata.name });
    const role = objects.find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'pgo-webhook');
    expect(role === undefined ? [] : rulesOf(role)).toEqual([{ apiGroups: ['admissionregistration.k8s.io'], resources: ['validatingwebhookconfigurations'], resourceNames: [configuration.metadata.name], verbs: ['get', 'patch'] }]);
  });

  test('takes the certificate of the webhook from cert-manager without any right for it, and asks only about watched namespaces', () => {
    const objects = renderedCase('webhook-cert-manager');
    // Those for users stay; the operator itself has none.
    expect(kinds(objects)).not.toContain('ClusterRoleBinding');
    expect(only(objects, 'Certificate')['spec']).toMatchObject({ secretName: 'patroni-operator-webhook-tls', issuerRef: { kind: 'ClusterIssuer', name: 'corporate' } });
    expect(only(objects, 'ValidatingWebhookConfiguration')).toMatchObject({
      metadata: { annotations: { 'cert-manager.io/inject-ca-from': expect.stringMatching(/\/patroni-operator-webhook$/) } },
      webhooks: [{ failurePolicy: 'Ignore', namespaceSelector: { matchExpressions: [{ values: ['billing', 'shop'] }] } }],
    });
    expect(envOf(objects)['PATRONI_OPERATOR_WEBHOOK_CERTIFICATE_FOLDER']).toBe('/webhook-tls');
    // Optional: the operator starts without its webhook, as it does without cert-manager.
    expect(podOf(objects).spec['volumes']).toMatchObject([{ name: 'tmp' }, { name: 'webhook-tls', secret: { secretName: 'patroni-operator-webhook-tls', optional: true } }]);
    for (const { kind, metadata } of objects.filter((object) => object.kind === 'Role')) expect([kind, metadata.name]).not.toEqual(['Role', 'patroni-operator-webhook']);
  });

  test('has cert-manager make a CA for the webhook where no issuer is named, and the certificate by that CA', () => {
    const objects = renderedCase('webhook-own-issuer');
    const named = (kind: string) => Object.fromEntries(objects.filter((object) => object.kind === kind).map((object) => [object.metadata.name, object['spec']]));
    expect(named('Issuer')).toEqual({ 'patroni-operator-webhook-selfsigned': { selfSigned: {} }, 'patroni-operator-webhook': { ca: { secretName: 'patroni-operator-webhook-ca' } } });
    expect(named('Certificate')).toMatchObject({
      'patroni-operator-webhook-ca': { isCA: true, secretName: 'patroni-operator-webhook-ca', issuerRef: { kind: 'Issuer', name: 'patroni-operator-webhook-selfsigned' } },
      'patroni-operator-webhook': { secretName: 'patroni-operator-webhook-tls', issuerRef: { kind: 'Issuer', name: 'patroni-operator-webhook' } },
    });
    expect(only(objects, 'ValidatingWebhookConfiguration')).toMatchObject({
      metadata: { annotations: { 'cert-manager.io/inject-ca-from': 'patroni-operator-system/patroni-operator-webhook' } },
      webhooks: [{ timeoutSeconds: 3 }],
    });
    expect(podOf(objects).spec.containers[0]['ports']).toContainEqual({ name: 'webhook', containerPort: 10250 });
    expect(envOf(objects)['PATRONI_OPERATOR_WEBHOOK_PORT']).toBe('10250');
  });

  test.each(['everything', 'webhook-cert-manager', 'webhook-own-issuer', 'webhook-namespaced'])('asks the webhook about changes of a spec only, so that finalizers come off without it: %s', (name) => {
    expect(only(renderedCase(name), 'ValidatingWebhookConfiguration')['webhooks']).toMatchObject([{ matchConditions: [{ name: 'not-being-deleted' }, { name: 'spec-changes' }], matchPolicy: 'Equivalent', sideEffects: 'None' }]);
  });

  test('serves no webhook by default', () => {
    for (const objects of [renderedCase('default'), renderedFile('deploy/install.yaml')]) {
      expect(kinds(objects).filter((kind) => /Webhook|Issuer|Certificate|^Service$/.test(kind))).toEqual([]);
      expect(Object.keys(envOf(objects)).filter((key) => key.includes('WEBHOOK'))).toEqual([]);
    }
  });
});

describe('deploy/install.yaml', () => {
  const objects = renderedFile('deploy/install.yaml');

  test('creates a namespace that enforces Pod Security level restricted before anything in it', () => {
    expect(objects[0]).toMatchObject({
      kind: 'Namespace',
      metadata: { name: 'patroni-operator-system', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    for (const { metadata } of objects) expect([undefined, 'patroni-operator-system']).toContain(metadata.namespace);
  });

  test('brings the custom resources before the operator that serves them', () => {
    const names = objects.filter((object) => object.kind === 'CustomResourceDefinition').map((object) => object.metadata.name);
    expect(names.sort()).toEqual(['patroniclusters.patroni-operator.dev', 'patronioperations.patroni-operator.dev']);
    const order = objects.map((object) => object.kind);
    expect(order.lastIndexOf('CustomResourceDefinition')).toBeLessThan(order.indexOf('Deployment'));
  });

  test('does not claim to be managed by Helm', () => {
    expect(read('deploy/install.yaml')).not.toMatch(/helm\.sh\/|managed-by: Helm/);
  });
});
