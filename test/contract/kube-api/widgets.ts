/** A CustomResourceDefinition with a bit of everything that ours use. */
import type { Manifest } from './body.ts';

export const widgetCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.contract.patroni-operator.dev' },
  spec: {
    group: 'contract.patroni-operator.dev',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget', shortNames: ['wd'], categories: ['all'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
        },
        additionalPrinterColumns: [
          { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                'x-kubernetes-validations': [
                  { rule: "self.mode != 'pair' || self.replicas == 2", message: 'a pair has two replicas' },
                  {
                    rule: "!has(self.storage) || quantity(self.storage).isGreaterThan(quantity('1Mi'))",
                    message: 'storage must be more than 1Mi',
                    fieldPath: '.storage',
                  },
                ],
                properties: {
                  size: {
                    type: 'string',
                    maxLength: 10,
                    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'size is immutable' }],
                  },
                  storage: { type: 'string', maxLength: 20 },
                  replicas: { type: 'integer', format: 'int32', minimum: 0, maximum: 9, default: 3 },
                  mode: { type: 'string', enum: ['single', 'pair'], default: 'single' },
                  name: { type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 5 },
                  tls: {
                    type: 'object',
                    default: {},
                    properties: { enabled: { type: 'boolean', default: true }, days: { type: 'integer', default: 90 } },
                  },
                  free: { type: 'object', maxProperties: 5, 'x-kubernetes-preserve-unknown-fields': true },
                  labels: { type: 'object', maxProperties: 5, additionalProperties: { type: 'string', maxLength: 20 } },
                  users: {
                    type: 'array',
                    maxItems: 3,
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: {
                        name: { type: 'string', maxLength: 20 },
                        login: { type: 'boolean', default: true },
                        quota: { type: 'integer' },
                      },
                    },
                  },
                  tags: { type: 'array', maxItems: 5, 'x-kubernetes-list-type': 'set', items: { type: 'string', maxLength: 20 } },
                  args: { type: 'array', maxItems: 5, items: { type: 'string', maxLength: 20 } },
                  port: { 'x-kubernetes-int-or-string': true },
                },
              },
              status: {
                type: 'object',
                properties: {
                  replicas: { type: 'integer' },
                  selector: { type: 'string' },
                  observedGeneration: { type: 'integer', format: 'int64' },
                  conditions: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                    items: {
                      type: 'object',
                      required: ['type', 'status'],
                      properties: { type: { type: 'string' }, status: { type: 'string' }, reason: { type: 'string' } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
} as const;

export const widget = (name: string, spec: object = {}): Manifest => ({
  apiVersion: 'contract.patroni-operator.dev/v1',
  kind: 'Widget',
  metadata: { name },
  spec: { size: 'small', ...spec },
});

export const widgetsIn = (namespace: string): string => `/apis/contract.patroni-operator.dev/v1/namespaces/${namespace}/widgets`;
