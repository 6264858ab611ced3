import { join } from 'node:path';

import { environment } from './environment.ts';
import { get, kubectl, list } from './kubectl.ts';
import { output } from './shell.ts';
import type { Item, Pod } from './wire.ts';

interface Deployment extends Item {
  readonly metadata: Item['metadata'] & { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly replicas: number };
}

const selector = (): string => `app.kubernetes.io/name=patroni-operator,app.kubernetes.io/instance=${environment().operator.release}`;

/** End of the user name that the operator's requests carry in the audit log. */
export const operatorUser = (): string => `system:serviceaccount:${environment().operator.namespace}:${environment().operator.release}`;

export const operatorPods = (): Promise<readonly Pod[]> => list<Pod>(environment().operator.namespace, 'pods', selector());

/** Log of the operator's pods, those that were before the last restart of a container included. */
export async function operatorLog(tail = -1): Promise<string> {
  return kubectl(['-n', environment().operator.namespace, 'logs', '-l', selector(), '--all-containers', '--prefix', `--tail=${tail}`, '--ignore-errors']);
}

/** Takes the operator's pods away at once, as the loss of their machine would. */
export async function killOperator(): Promise<void> {
  await kubectl(['-n', environment().operator.namespace, 'delete', 'pod', '-l', selector(), '--grace-period=0', '--force']);
}

export async function waitOperator(timeoutMs = 90_000): Promise<void> {
  const { namespace, release } = environment().operator;
  await kubectl(['-n', namespace, 'rollout', 'status', `deployment/${release}`, `--timeout=${timeoutMs / 1000}s`], { timeoutMs: timeoutMs + 10_000 });
}

export async function scaleOperator(replicas: number): Promise<void> {
  const { namespace, release } = environment().operator;
  await kubectl(['-n', namespace, 'scale', `deployment/${release}`, `--replicas=${replicas}`]);
  if (replicas === 0) await kubectl(['-n', namespace, 'wait', 'pod', '-l', selector(), '--for=delete', '--timeout=60s']);
  else await waitOperator();
}

export const operatorDeployment = (): Promise<Deployment> => get<Deployment>(environment().operator.namespace, 'deployment', environment().operator.release);

export const CHART = (): string => join(environment().repository, 'charts', 'patroni-operator');

/** Runs one of the Helm versions against the cluster under test. */
export async function helm(major: '3' | '4', args: readonly string[]): Promise<string> {
  const { helm: programs, kubeconfig, context } = environment();
  const program = programs[major];
  if (program === undefined) throw new Error(`Helm ${major} was not found: set E2E_HELM${major}`);
  return output(program, [...args, '--kubeconfig', kubeconfig, ...(context === undefined ? [] : ['--kube-context', context])], { timeoutMs: 180_000 });
}
