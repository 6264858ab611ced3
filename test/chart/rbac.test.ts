import { describe, expect, test } from '@jest/globals';
import { renderedCase, rulesOf, type Rendered, type Rule } from './rendered.ts';

/**
 * Every call the operator makes, by API group and resource. Server-side apply of an object that does not exist is a create as well as a patch; get comes with list, which shows the same. A call that is added to the
 * operator goes here and into the chart; a right that no call needs fails the second test.
 */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  'patroni-operator.dev/patroniclusters': ['get', 'list', 'watch', 'patch'],
  'patroni-operator.dev/patroniclusters/status': ['patch'],
  // Owner references that block deletion (OwnerReferencesPermissionEnforcement).
  'patroni-operator.dev/patroniclusters/finalizers': ['update'],
  'patroni-operator.dev/patronioperations': ['get', 'list', 'watch', 'create', 'delete'],
  'patroni-operator.dev/patronioperations/status': ['patch'],
  '/pods': ['get', 'list', 'watch', 'patch', 'delete'],
  '/services': ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  '/configmaps': ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  '/secrets': ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  '/persistentvolumeclaims': ['get', 'list', 'watch', 'patch', 'delete'],
  'apps/statefulsets': ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  'policy/poddisruptionbudgets': ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  'networking.k8s.io/networkpolicies': ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  'events.k8s.io/events': ['create', 'patch'],
};

const LEASE_CALLS: Readonly<Record<string, readonly string[]>> = {
  'coordination.k8s.io/leases': ['create', 'get', 'update'],
  'events.k8s.io/events': ['create', 'patch'],
};

/** What the rules grant: `group/resource` → verbs. */
function granted(rules: readonly Rule[]): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const { apiGroups, resources, verbs } of rules) {
    for (const group of apiGroups)
      for (const resource of resources)
        all[`${group}/${resource}`] = [...new Set([...(all[`${group}/${resource}`] ?? []), ...verbs])].sort();
  }
  return all;
}

const sorted = (calls: Readonly<Record<string, readonly string[]>>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(calls).map(([resource, verbs]) => [resource, [...verbs].sort()]));

const named = (objects: readonly Rendered[], kind: string, name: string): Rendered =>
  objects.find((object) => object.kind === kind && object.metadata.name === name)!;

describe('rights of the operator', () => {
  test('are exactly the calls it makes', () => {
    expect(granted(rulesOf(named(renderedCase('default'), 'ClusterRole', 'patroni-operator')))).toEqual(sorted(CALLS));
  });

  test('in its own namespace are those of the leader election, on one Lease', () => {
    const rules = rulesOf(named(renderedCase('default'), 'Role', 'patroni-operator-leader-election'));
    expect(granted(rules)).toEqual(sorted(LEASE_CALLS));
    for (const rule of rules.filter(({ resources, verbs }) => resources.includes('leases') && !verbs.includes('create'))) {
      expect(rule.resourceNames).toEqual(['patroni-operator']);
    }
  });

  test('for the webhook are its own Secret and its own configuration, also where single namespaces are watched', () => {
    const objects = renderedCase('webhook-namespaced');
    expect(rulesOf(named(objects, 'Role', 'patroni-operator-webhook'))).toEqual([
      { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['patroni-operator-webhook-tls'], verbs: ['get', 'patch'] },
    ]);
    expect(named(objects, 'Role', 'patroni-operator-webhook').metadata.namespace).toBe('patroni-operator-system');
    const bound = objects.filter(({ kind }) => kind === 'ClusterRoleBinding').map((binding) => (binding['roleRef'] as { name: string }).name);
    expect(bound).toEqual(['patroni-operator-webhook']);
    expect(rulesOf(named(objects, 'ClusterRole', 'patroni-operator-webhook'))).toEqual([
      { apiGroups: ['admissionregistration.k8s.io'], resources: ['validatingwebhookconfigurations'], resourceNames: ['patroni-operator.patroni-operator-system'], verbs: ['get', 'patch'] },
    ]);
  });

  test('never hold a wildcard, and never reach into pods or roles', () => {
    for (const name of ['default', 'namespaced', 'everything', 'webhook-namespaced']) {
      for (const role of renderedCase(name).filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')) {
        const text = JSON.stringify(rulesOf(role));
        expect(text).not.toMatch(/\*|pods\/exec|rbac\.authorization|impersonate|escalate|serviceaccounts|"nodes"/);
      }
    }
  });
});

describe('rights of users', () => {
  test('let viewers read and editors change clusters and operations', () => {
    const objects = renderedCase('default');
    const view = named(objects, 'ClusterRole', 'patroni-operator-view');
    const edit = named(objects, 'ClusterRole', 'patroni-operator-edit');
    expect(view.metadata.labels).toMatchObject({ 'rbac.authorization.k8s.io/aggregate-to-view': 'true' });
    expect(edit.metadata.labels).not.toHaveProperty(['rbac.authorization.k8s.io/aggregate-to-view']);
    expect(
      Object.values(granted(rulesOf(view)))
        .flat()
        .every((verb) => ['get', 'list', 'watch'].includes(verb)),
    ).toBe(true);
    expect(granted(rulesOf(edit))['patroni-operator.dev/patroniclusters/scale']).toEqual(['patch', 'update']);
    expect(JSON.stringify(rulesOf(edit))).not.toContain('status');
  });
});
