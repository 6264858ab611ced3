import { names } from '../../../src/api/names.ts';
import type { ClusterControllerPorts } from '../../../src/controllers/cluster/ports.ts';
import { OperatorError } from '../../../src/errors.ts';
import type { ApiServer } from '../../support/apiserver/server.ts';
import { runningSettings } from '../../support/patroni/settings.ts';

import type { Nodes } from './nodes.ts';

export interface EnsureCall {
  readonly member: string;
  readonly database: string;
  readonly result: 'created' | 'present' | 'refused';
}

/** PostgreSQL as far as `ensureApplicationDatabase` needs it: an idempotent create that lets in only the password the cluster was initialised with, on the primary. */
export interface Databases {
  readonly ensure: ClusterControllerPorts['ensureApplicationDatabase'];
  /** What PostgreSQL of a member runs with. */
  readonly readSettings: ClusterControllerPorts['readSettings'];
  readonly calls: readonly EnsureCall[];
  /** Owner of each database. */
  readonly existing: ReadonlyMap<string, string>;
  drop(database: string): void;
}

export function createDatabases({ api, nodes }: { readonly api: ApiServer; readonly nodes: Nodes }): Databases {
  const existing = new Map<string, string>();
  const calls: EnsureCall[] = [];
  const passwords = new Map<string, string>();
  const ensure: ClusterControllerPorts['ensureApplicationDatabase'] = (target, wanted) => {
    const { member } = target;
    const { database, owner } = wanted;
    const [, namespace = ''] = target.serverName.split('.').slice(1);
    const cluster = member.replace(/-postgres-\d+$/, '');
    const refuse = (code: 'ERR_POSTGRES_AUTHENTICATION' | 'ERR_POSTGRES_NOT_PRIMARY') => {
      calls.push({ member, database, result: 'refused' });
      return Promise.reject(new OperatorError(code, { member, step: 'connect' }));
    };
    const initial = passwords.get(cluster) ?? secretText(api, names.superuserSecret(cluster), namespace, 'password');
    passwords.set(cluster, initial);
    if (target.password.reveal() !== initial) return refuse('ERR_POSTGRES_AUTHENTICATION');
    if (nodes.model(cluster, namespace)?.leader !== member) return refuse('ERR_POSTGRES_NOT_PRIMARY');
    const result = existing.has(database) ? 'present' : 'created';
    if (result === 'created') existing.set(database, owner);
    calls.push({ member, database, result });
    return Promise.resolve(result);
  };
  const readSettings: ClusterControllerPorts['readSettings'] = ({ member, serverName }, settings) => {
    const [, namespace = ''] = serverName.split('.').slice(1);
    const m = nodes.model(member.replace(/-postgres-\d+$/, ''), namespace)?.member(member);
    if (m?.isUp !== true || m.state !== 'running') return Promise.reject(new OperatorError('ERR_POSTGRES_UNREACHABLE', { member, step: 'read its settings' }));
    return Promise.resolve(runningSettings(m, settings));
  };
  return { ensure, readSettings, calls, existing, drop: (database) => void existing.delete(database) };
}

export function secretText(api: ApiServer, name: string, namespace: string, key: string): string {
  const { data } = api.objects.mustGet<{ data: Readonly<Record<string, string>> }>('secrets', name, namespace);
  return Buffer.from(data[key] ?? '', 'base64').toString('utf8');
}
