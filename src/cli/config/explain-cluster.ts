import { effectiveCluster, type OperatorConfig } from '../../api/effective.ts';
import type { PatroniClusterObject } from '../../api/objects.ts';
import type { PatroniClusterStatus } from '../../api/status.ts';
import { parseCluster } from '../../api/validate.ts';
import { explainKeys, type ExplainedKey, isAbout } from '../../config/explain.ts';
import { settingAt } from '../../config/layers.ts';
import { gucOf } from '../../postgres/gucs/catalogue.ts';
import type { CliIo } from '../io.ts';
import type { Kubernetes } from '../kubernetes.ts';
import { cell, table, uniqueTable } from '../table.ts';
import { type Document, EXIT, type Format, print } from './output.ts';

export interface ExplainClusterOptions {
  readonly name: string;
  /** Absent: that of the kubeconfig context. */
  readonly namespace?: string;
  readonly output: Format;
}

type ConfigStatus = NonNullable<PatroniClusterStatus['config']>;
type StatusKey = NonNullable<ConfigStatus['keys']>[number];

interface Row extends Omit<StatusKey, 'target' | 'path'> {
  readonly target?: StatusKey['target'];
  readonly path?: string;
  /** What the spec asks for, unless it may be a secret. */
  readonly wanted?: unknown;
}

interface PendingRow {
  readonly member: string;
  readonly setting: string;
  readonly old?: string;
  readonly new?: string;
}

/**
 * Explains the configuration of a cluster by its status. The exit code: 0 when everything is in force, 1 when there is no such cluster, 2 when something is rejected, 3 when something
 * is not in force.
 * @throws ERR_KUBE_…
 */
export async function explainCluster(
  io: CliIo,
  options: ExplainClusterOptions,
  { kubernetes, operator }: { readonly kubernetes: Kubernetes; readonly operator: OperatorConfig },
): Promise<number> {
  const ref = { namespace: options.namespace ?? kubernetes.namespace, name: options.name };
  const stored = await kubernetes.findCluster(ref);
  if (stored === undefined) {
    io.err(
      `PatroniCluster/${ref.name} is not in namespace ${ref.namespace}: name another with -n, or another cluster of Kubernetes with --context\n`,
    );
    return EXIT.failed;
  }
  return print(io, options.output, [explained(stored as PatroniClusterObject, operator)]);
}

/** Verdicts for which the cluster does not run as the spec says. */
const NOT_IN_FORCE: readonly string[] = ['Ignored', 'PendingRestart', 'Loading', 'Drifted', 'Unknown'];
const ALTER_SYSTEM = 'ALTER SYSTEM';

function explained(stored: PatroniClusterObject, operator: OperatorConfig): Document {
  const { status = {}, metadata } = stored;
  const isStale = status.observedGeneration !== metadata.generation;
  const keys = rows(stored, operator, isStale);
  const pending = pendingRows(status);
  const { drift = [], warnings = [] } = status.config ?? {};
  const conditions = (status.conditions ?? [])
    .filter(({ type }) => type === 'ConfigApplied' || type === 'PendingRestart')
    .map(({ type, status: value, reason, message }) => ({ type, status: value, reason, message }));
  const isRejected = keys.some(({ verdict }) => verdict === 'Rejected');
  const isBehind =
    isStale ||
    pending.length > 0 ||
    keys.some(({ verdict, by }) => NOT_IN_FORCE.includes(verdict) || (verdict === 'Overridden' && by === ALTER_SYSTEM));
  const generations = { generation: metadata.generation, observedGeneration: status.observedGeneration };
  const parts = [
    heading(stored, keys.length, isStale),
    conditions.map(({ type, status: value, reason, message }) => `${type}: ${value} (${reason}) ${message}\n`).join(''),
    keyTable(keys),
    table(
      ['MEMBER', 'WAITS FOR A RESTART', 'RUNS WITH', 'WILL HAVE'],
      pending.map((row) => [row.member, row.setting, cell(row.old), cell(row.new)]),
    ),
    table(
      ['IN ETCD, SET BY SOMEBODY ELSE'],
      drift.map((path) => [path]),
    ),
    warnings.map((warning) => `warning: ${warning}\n`).join(''),
  ];
  return {
    data: {
      kind: 'ConfigStatus',
      name: metadata.name,
      namespace: metadata.namespace,
      ...generations,
      conditions,
      keys,
      pendingRestarts: pending,
      drift,
      warnings,
    },
    text: parts.filter((part) => part !== '').join('\n'),
    exitCode: isRejected ? EXIT.rejected : isBehind ? EXIT.notInForce : EXIT.fine,
  };
}

function heading({ metadata: { name, namespace, generation }, status }: PatroniClusterObject, count: number, isStale: boolean): string {
  const seen = isStale
    ? `; generation ${String(generation)} of the spec has not been looked at yet (the status is about ${String(status?.observedGeneration ?? 'none')})`
    : '';
  return `PatroniCluster/${name} in namespace ${namespace}: ${count === 0 ? 'sets no configuration' : `${String(count)} ${count === 1 ? 'key' : 'keys'}`}${seen}\n`;
}

/** Keys of the spec with their verdicts, then fields that are refused. */
function rows(stored: PatroniClusterObject, operator: OperatorConfig, isStale: boolean): readonly Row[] {
  const told = stored.status?.config?.keys ?? [];
  const { cluster } = parseCluster(stored);
  // A spec that this program cannot read (of a newer operator, say) has its verdicts all the same.
  if (cluster === undefined) return told;
  const against = { isStale, generation: stored.metadata.generation, major: cluster.spec.versions.postgres };
  const wanted = explainKeys(effectiveCluster(cluster, operator), []);
  const others = told.filter(({ verdict, key }) => verdict === 'Rejected' && !wanted.some((one) => isAbout(key, one.key)));
  return [...wanted.map((key) => row(key, told, against)), ...others.map(({ target: _target, path: _path, ...rest }): Row => rest)];
}

interface Against {
  readonly isStale: boolean;
  readonly generation: number | undefined;
  readonly major: string;
}

function row(wanted: ExplainedKey, told: readonly StatusKey[], { isStale, generation, major }: Against): Row {
  const { key, target, path } = wanted;
  const verdict =
    told.find((one) => one.verdict === 'Rejected' && isAbout(one.key, key)) ?? told.find((one) => one.key === key && one.path === path);
  const base = { key, ...(target === undefined ? {} : { target }), ...(path === undefined ? {} : { path }) };
  const value = isPublic(wanted, verdict, major) ? { wanted: wanted.value } : {};
  if (verdict === undefined) return { ...base, ...value, verdict: 'Unknown', message: 'no verdict yet' };
  if (isStale)
    return {
      ...base,
      ...value,
      ...effectiveOf(verdict),
      verdict: 'Unknown',
      message: `generation ${String(generation)} has not been looked at yet`,
    };
  return { ...verdict, ...base, ...value };
}

function effectiveOf({ effective, effectiveByMember }: StatusKey): Partial<StatusKey> {
  return { ...(effective === undefined ? {} : { effective }), ...(effectiveByMember === undefined ? {} : { effectiveByMember }) };
}

/** Texts may hold secrets, and what a command prints ends in tickets. Those whose value the operator itself publishes hold none. */
function isPublic({ target, path = '', value }: ExplainedKey, verdict: StatusKey | undefined, major: string): boolean {
  if (typeof value !== 'string') return typeof value === 'number' || typeof value === 'boolean' || value === null;
  if (verdict?.effective !== undefined || verdict?.effectiveByMember !== undefined) return true;
  const type = gucOf(major, settingAt(path) ?? '')?.type;
  return target === 'dynamic' && type !== undefined && type !== 'string';
}

function pendingRows({ members = [] }: PatroniClusterStatus): readonly PendingRow[] {
  return members
    .filter(({ pendingRestart }) => pendingRestart === true)
    .flatMap(({ name, pendingSettings }): readonly PendingRow[] =>
      (pendingSettings ?? []).length === 0
        ? [{ member: name, setting: 'not named by Patroni' }]
        : (pendingSettings ?? []).map((setting) => ({
            member: name,
            setting: setting.name,
            ...(setting.old === undefined ? {} : { old: setting.old }),
            ...(setting.new === undefined ? {} : { new: setting.new }),
          })),
    );
}

function keyTable(keys: readonly Row[]): string {
  return uniqueTable(
    ['KEY', 'WANTED', 'RUNS WITH', 'VERDICT', 'DETAIL'],
    keys.map(({ key, wanted, verdict, effective, effectiveByMember, by, members = [], message }) => [
      key,
      cell(wanted),
      effectiveByMember === undefined
        ? cell(effective)
        : Object.entries(effectiveByMember)
            .map(([member, value]) => `${member}: ${value}`)
            .join(', '),
      verdict,
      [by === undefined ? '' : `by ${by}`, members.length === 0 ? '' : `on ${members.join(', ')}`, message ?? '']
        .filter((part) => part !== '')
        .join(' '),
    ]),
  );
}
