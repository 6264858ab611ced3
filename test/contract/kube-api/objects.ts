/** Small built-in objects for the suites. */
import type { Manifest } from './body.ts';

export const configMap = (name: string, data: Record<string, string> = {}, metadata: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});

export const statefulSet = (name: string, spec: object = {}): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name },
  spec: {
    serviceName: name,
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'example.com/main:1' }] } },
    ...spec,
  },
});

export const pod = (name: string, labels: Record<string, string> = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: { containers: [{ name: 'main', image: 'example.com/main:1' }] },
});

export const mapsIn = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`;
export const podsIn = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;
export const setsIn = (namespace: string): string => `/apis/apps/v1/namespaces/${namespace}/statefulsets`;
