/**
 * What the API server fills into built-in kinds, as far as it matters to somebody who applies and reads them back
 * (kubernetes `pkg/apis/{core,apps,policy}/v1/defaults.go`).
 */
import { asArray, asRecord, asString, isRecord, type Draft, type JsonObject, type JsonValue } from './json.ts';
import type { Resource } from './registry.ts';

type Defaults = Readonly<Record<string, JsonValue>>;

const fill = (object: JsonObject, defaults: Defaults): Draft => ({ ...defaults, ...object });
const each = (list: JsonValue | undefined, change: (item: JsonObject) => JsonObject): readonly JsonObject[] =>
  asArray(list).map((item) => change(asRecord(item)));

const probe = (value: JsonValue | undefined): JsonObject | undefined => {
  if (!isRecord(value)) return undefined;
  const out = fill(value, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  if (isRecord(value['httpGet'])) out['httpGet'] = fill(value['httpGet'], { path: '/', scheme: 'HTTP' });
  if (isRecord(value['grpc'])) out['grpc'] = fill(value['grpc'], { service: '' });
  return out;
};

const pullPolicy = (image: string): string =>
  /:[^/]+$/.test(image) && !image.endsWith(':latest') ? 'IfNotPresent' : image.includes('@') ? 'IfNotPresent' : 'Always';

const container = (value: JsonObject): JsonObject => {
  const out = fill(value, {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicy(asString(value['image'])),
  });
  for (const key of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const filled = probe(value[key]);
    if (filled !== undefined) out[key] = filled;
  }
  if (value['ports'] !== undefined) out['ports'] = each(value['ports'], (port) => fill(port, { protocol: 'TCP' }));
  if (value['env'] !== undefined) {
    out['env'] = each(value['env'], (entry) => {
      const from = asRecord(entry['valueFrom']);
      if (isRecord(from['resourceFieldRef']))
        return { ...entry, valueFrom: { resourceFieldRef: fill(from['resourceFieldRef'], { divisor: '0' }) } };
      return isRecord(from['fieldRef'])
        ? { ...entry, valueFrom: { ...from, fieldRef: fill(from['fieldRef'], { apiVersion: 'v1' }) } }
        : entry;
    });
  }
  return out;
};

const volume = (value: JsonObject): JsonObject => {
  const out: Draft = { ...value };
  for (const key of ['configMap', 'secret', 'projected', 'downwardAPI'])
    if (isRecord(value[key])) out[key] = fill(value[key], { defaultMode: 420 });
  if (isRecord(value['hostPath'])) out['hostPath'] = fill(value['hostPath'], { type: '' });
  if (isRecord(out['downwardAPI'])) out['downwardAPI'] = { ...out['downwardAPI'], ...fieldRefs(out['downwardAPI']) };
  if (isRecord(out['projected'])) {
    const sources = each(out['projected']['sources'], (source) => {
      if (isRecord(source['serviceAccountToken']))
        return { ...source, serviceAccountToken: fill(source['serviceAccountToken'], { expirationSeconds: 3600 }) };
      return isRecord(source['downwardAPI'])
        ? { ...source, downwardAPI: { ...source['downwardAPI'], ...fieldRefs(source['downwardAPI']) } }
        : source;
    });
    out['projected'] = { ...out['projected'], sources };
  }
  const ephemeral = asRecord(value['ephemeral']);
  if (isRecord(ephemeral['volumeClaimTemplate'])) {
    const template = ephemeral['volumeClaimTemplate'];
    out['ephemeral'] = {
      ...ephemeral,
      volumeClaimTemplate: { metadata: {}, ...template, spec: fill(asRecord(template['spec']), { volumeMode: 'Filesystem' }) },
    };
  }
  if (!Object.keys(value).some((key) => key !== 'name')) out['emptyDir'] = {};
  return out;
};

const fieldRefs = (downward: JsonObject): JsonObject =>
  downward['items'] === undefined
    ? {}
    : {
        items: each(downward['items'], (item) =>
          isRecord(item['fieldRef']) ? { ...item, fieldRef: fill(item['fieldRef'], { apiVersion: 'v1' }) } : item,
        ),
      };

const podSpec = (value: JsonObject): JsonObject => {
  const out = fill(value, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  });
  for (const key of ['containers', 'initContainers']) if (value[key] !== undefined) out[key] = each(value[key], container);
  if (value['volumes'] !== undefined) out['volumes'] = each(value['volumes'], volume);
  if (value['serviceAccountName'] !== undefined) out['serviceAccount'] ??= value['serviceAccountName'];
  return out;
};

/** A pod of its own gets what a template does not: requests from limits, priority, tolerations of failing nodes. */
const pod = (value: JsonObject): JsonObject => {
  const out: Draft = fill(podSpec(value), { priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
  for (const key of ['containers', 'initContainers']) {
    if (out[key] === undefined) continue;
    out[key] = each(out[key], (one) => {
      const { limits, requests } = asRecord(one['resources']);
      return isRecord(limits)
        ? { ...one, resources: { ...asRecord(one['resources']), requests: { ...limits, ...asRecord(requests) } } }
        : one;
    });
  }
  const tolerations = asArray(value['tolerations']).map(asRecord);
  const missing = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].filter(
    (key) =>
      !tolerations.some(
        (one) => (one['key'] === key || one['key'] === undefined) && (one['effect'] === 'NoExecute' || one['effect'] === undefined),
      ),
  );
  const added = missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }));
  if (added.length > 0) out['tolerations'] = [...tolerations, ...added];
  return out;
};

/** Guaranteed, Burstable or BestEffort, from what the containers ask for. */
const qosClass = (spec: JsonObject): string => {
  const all = [...asArray(spec['containers']), ...asArray(spec['initContainers'])].map((one) => asRecord(asRecord(one)['resources']));
  if (all.every(({ limits, requests }) => Object.keys({ ...asRecord(limits), ...asRecord(requests) }).length === 0)) return 'BestEffort';
  const fixed = all.every(({ limits, requests }) =>
    ['cpu', 'memory'].every(
      (key) => asRecord(limits)[key] !== undefined && (asRecord(requests)[key] ?? asRecord(limits)[key]) === asRecord(limits)[key],
    ),
  );
  return fixed ? 'Guaranteed' : 'Burstable';
};

const template = (value: JsonValue | undefined): JsonObject => {
  const pod = asRecord(value);
  return { ...pod, metadata: pod['metadata'] ?? {}, spec: podSpec(asRecord(pod['spec'])) };
};

const claim = (value: JsonObject): JsonObject => ({
  ...fill(value, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', status: { phase: 'Pending' } }),
  metadata: value['metadata'] ?? {},
  spec: fill(asRecord(value['spec']), { volumeMode: 'Filesystem' }),
});

const workload = (spec: JsonObject, defaults: Defaults): Draft => ({ ...fill(spec, defaults), template: template(spec['template']) });

const statefulSet = (spec: JsonObject): JsonObject => {
  const out = workload(spec, { replicas: 1, podManagementPolicy: 'OrderedReady', revisionHistoryLimit: 10, serviceName: '' });
  const strategy = fill(asRecord(spec['updateStrategy']), { type: 'RollingUpdate' });
  if (strategy['type'] === 'RollingUpdate') strategy['rollingUpdate'] = fill(asRecord(strategy['rollingUpdate']), { partition: 0 });
  out['updateStrategy'] = strategy;
  out['persistentVolumeClaimRetentionPolicy'] = fill(asRecord(spec['persistentVolumeClaimRetentionPolicy']), {
    whenDeleted: 'Retain',
    whenScaled: 'Retain',
  });
  if (spec['volumeClaimTemplates'] !== undefined) out['volumeClaimTemplates'] = each(spec['volumeClaimTemplates'], claim);
  return out;
};

const deployment = (spec: JsonObject): JsonObject => {
  const out = workload(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const strategy = fill(asRecord(spec['strategy']), { type: 'RollingUpdate' });
  if (strategy['type'] === 'RollingUpdate')
    strategy['rollingUpdate'] = fill(asRecord(strategy['rollingUpdate']), { maxUnavailable: '25%', maxSurge: '25%' });
  out['strategy'] = strategy;
  return out;
};

const service = (spec: JsonObject): JsonObject => {
  const out = fill(spec, { type: 'ClusterIP', sessionAffinity: 'None' });
  if (spec['ports'] !== undefined)
    out['ports'] = each(spec['ports'], (port) =>
      fill(port, { protocol: 'TCP', ...(spec['type'] === 'ExternalName' ? {} : { targetPort: port['port'] ?? 0 }) }),
    );
  if (out['type'] === 'ExternalName') return out;
  out['internalTrafficPolicy'] ??= 'Cluster';
  out['ipFamilies'] ??= ['IPv4'];
  out['ipFamilyPolicy'] ??= 'SingleStack';
  if (out['type'] !== 'ClusterIP') {
    out['externalTrafficPolicy'] ??= 'Cluster';
    if (out['type'] === 'LoadBalancer') out['allocateLoadBalancerNodePorts'] ??= true;
  }
  return out;
};

const networkPolicy = (spec: JsonObject): JsonObject => {
  const ports = (rules: JsonValue | undefined): readonly JsonObject[] =>
    each(rules, (rule) =>
      rule['ports'] === undefined ? rule : { ...rule, ports: each(rule['ports'], (port) => fill(port, { protocol: 'TCP' })) },
    );
  const out: Draft = { ...spec, podSelector: spec['podSelector'] ?? {} };
  out['policyTypes'] ??= ['Ingress', ...(spec['egress'] === undefined ? [] : ['Egress'])];
  for (const key of ['ingress', 'egress']) if (spec[key] !== undefined) out[key] = ports(spec[key]);
  return out;
};

const SPECS: Readonly<Record<string, (spec: JsonObject) => JsonObject>> = {
  '/pods': pod,
  '/services': service,
  '/persistentvolumeclaims': (spec) => fill(spec, { volumeMode: 'Filesystem' }),
  '/namespaces': (spec) => fill(spec, { finalizers: ['kubernetes'] }),
  'apps/statefulsets': statefulSet,
  'apps/deployments': deployment,
  'apps/replicasets': (spec) => workload(spec, { replicas: 1 }),
  'apps/daemonsets': (spec) => workload(spec, { revisionHistoryLimit: 10 }),
  'networking.k8s.io/networkpolicies': networkPolicy,
};

/** The `status` a new object starts with. */
export const initialStatus = (resource: Resource, object: JsonObject): JsonObject | undefined => {
  if (resource.custom || !resource.status) return undefined;
  if (resource.store === '/pods') return { phase: 'Pending', qosClass: qosClass(asRecord(object['spec'])) };
  if (resource.store === '/persistentvolumeclaims') return { phase: 'Pending' };
  if (resource.store === '/namespaces') return { phase: 'Active' };
  if (resource.store === '/services') return { loadBalancer: {} };
  if (resource.store === 'apps/statefulsets') return { replicas: 0, availableReplicas: 0 };
  if (resource.store === 'policy/poddisruptionbudgets')
    return { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
  return {};
};

export const defaultBuiltin = (resource: Resource, object: JsonObject): JsonObject => {
  const out: Draft = { ...object };
  const change = SPECS[resource.store];
  if (change !== undefined) out['spec'] = change(asRecord(object['spec']));
  if (resource.store === '/secrets') {
    out['type'] ??= 'Opaque';
    if (isRecord(object['stringData'])) {
      const encoded = Object.entries(object['stringData']).map(
        ([key, value]) => [key, Buffer.from(asString(value)).toString('base64')] as const,
      );
      out['data'] = { ...asRecord(object['data']), ...Object.fromEntries(encoded) };
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- write-only in the API
      delete out['stringData' as string];
    }
  }
  if (resource.store === '/namespaces') {
    const metadata = asRecord(object['metadata']);
    out['metadata'] = { ...metadata, labels: { ...asRecord(metadata['labels']), 'kubernetes.io/metadata.name': metadata['name'] ?? '' } };
  }
  return out;
};
