import type { Finding } from '../../api/conditions.ts';
import type { PatroniClusterStatus } from '../../api/status.ts';
import { membersYetToApply, membersYetToLoad } from '../config-facts.ts';
import { outdatedPods, type Seen } from '../facts.ts';
import type { Observed } from '../observed.ts';
import { restartPermission } from '../steps/restart-permission.ts';

/** Whether every member runs with the configuration of the spec. `config` is the part of the status that this pass will write. */
export function configApplied(observed: Observed, config: PatroniClusterStatus['config']): Finding {
  const rejected = observed.problems.filter(({ path }) => CONFIG_FIELDS.some((field) => path.startsWith(field)));
  if (rejected.length > 0) return { type: 'ConfigApplied', reason: 'Rejected', message: rejected.map(({ path, message }) => `${path}: ${message}`).join(' ') };
  const seen = observed.effective === undefined ? undefined : ({ ...observed, effective: observed.effective } satisfies Seen);
  if (seen?.view === undefined) return { type: 'ConfigApplied', reason: 'NotObserved', message: 'No member could be asked which configuration it has.' };
  const keys = config?.keys ?? [];
  const behind = new Set([...(membersYetToLoad(seen) ?? []), ...membersYetToApply(seen), ...keys.filter(({ verdict }) => verdict === 'Loading' || verdict === 'Drifted').flatMap(({ members = [] }) => members)]);
  const onTheirWay = keys.filter(({ verdict }) => verdict === 'Loading' || verdict === 'Drifted').map(({ key }) => key);
  if (behind.size > 0 || onTheirWay.length > 0) {
    const who = behind.size === 0 ? '' : ` Not yet loaded by ${[...behind].sort().join(', ')}.`;
    return { type: 'ConfigApplied', reason: 'Loading', message: `${onTheirWay.length === 0 ? 'The configuration is on its way.' : `On its way: ${onTheirWay.join(', ')}.`}${who}` };
  }
  const altered = keys.filter(({ by }) => by === 'ALTER SYSTEM');
  if (altered.length > 0) {
    const list = altered.map(({ key, members = [] }) => `${key} on ${members.join(', ')}`).join('; ');
    return { type: 'ConfigApplied', reason: 'Overridden', message: `ALTER SYSTEM wins over ${list}. \`ALTER SYSTEM RESET\` there gives the spec its way.` };
  }
  const pending = seen.view.members.filter(({ pendingRestart }) => pendingRestart).map(({ name }) => name);
  if (pending.length > 0) return { type: 'ConfigApplied', reason: 'RestartPending', message: `Waiting for a restart on ${pending.sort().join(', ')}.` };
  return { type: 'ConfigApplied', reason: 'Applied', message: 'Every member runs with the configuration that the spec asks for.' };
}

const CONFIG_FIELDS = ['spec.postgres.parameters', 'spec.postgres.hba', 'spec.postgres.ident', 'spec.patroni.'];

/** What waits for a restart, with old and new values, and what the restart waits for. */
export function pendingRestart(observed: Observed): Finding {
  const { view, effective } = observed;
  if (view === undefined || effective === undefined) return { type: 'PendingRestart', reason: 'NotObserved', message: 'It cannot be told whether a change waits for a restart.' };
  const seen: Seen = { ...observed, effective };
  const what = [...settings(seen), ...templates(seen)];
  if (what.length === 0) return { type: 'PendingRestart', reason: 'None', message: 'No change waits for a restart.' };
  const permission = restartPermission(seen);
  const text = `${what.join('; ')}.`;
  return permission.allowed
    ? { type: 'PendingRestart', reason: 'Restarting', message: text }
    : { type: 'PendingRestart', reason: permission.reason, message: `${text} ${permission.message}` };
}

/** `max_connections 100 → 200 on pg-0, pg-1`, by setting. */
function settings({ view }: Seen): readonly string[] {
  const byChange = new Map<string, string[]>();
  for (const member of [...(view?.members ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!member.pendingRestart) continue;
    const changes = (member.pendingSettings ?? []).map(({ name, oldValue, newValue }) => `${name} ${oldValue ?? 'unknown'} → ${newValue ?? 'unknown'}`);
    for (const change of changes.length === 0 ? ['a setting that Patroni does not name'] : changes) byChange.set(change, [...(byChange.get(change) ?? []), member.name]);
  }
  return [...byChange].sort(([a], [b]) => (a < b ? -1 : 1)).map(([change, members]) => `${change} on ${members.join(', ')}`);
}

function templates(seen: Seen): readonly string[] {
  return (['etcd', 'postgres', 'haproxy'] as const).flatMap((component) => {
    const pods = outdatedPods(seen, component) ?? [];
    return pods.length === 0 ? [] : [`a changed pod template on ${pods.map(({ name }) => name).join(', ')}`];
  });
}
