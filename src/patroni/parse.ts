import { OperatorError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../lib/deep-merge.ts';
import type { ClusterMember, ClusterView, Lag, MemberProbe, PendingSetting } from './cluster-view.ts';

/**
 * The border to Patroni's JSON. Tolerant of what versions add or leave out (4.1 and, for reading, 3.x); strict only where a wrong guess would
 * be dangerous. `master`, the word of Patroni before 4.0, is known in this file alone.
 */

const UNKNOWN_LAG: Lag = { known: false };

/** Lag in bytes. Patroni 4.1 `GET /cluster`: the text `unknown` while a member has no WAL position; anything that is no count of bytes is unknown. */
export function parseLag(raw: unknown): Lag {
  return typeof raw === 'number' && Number.isFinite(raw) && raw >= 0 ? { known: true, bytes: raw } : UNKNOWN_LAG;
}

/**
 * `GET /cluster`. Members come sorted by name, as Patroni sends them. A member entry without a name is skipped.
 * @param member who was asked; only for the message of a failure.
 * @throws ERR_PATRONI_PROTOCOL when the document has no list of members.
 */
export function parseClusterView(json: unknown, member = '(unnamed)'): ClusterView {
  if (!isJsonObject(json) || !Array.isArray(json['members'])) {
    throw new OperatorError('ERR_PATRONI_PROTOCOL', { member, method: 'GET', path: '/cluster', detail: 'no list of members' });
  }
  const scheduled = parseScheduled(json['scheduled_switchover']);
  return {
    // Patroni before 3.1 does not send the scope.
    scope: text(json['scope']) ?? '',
    members: json['members'].map(parseMember).filter((m) => m !== undefined),
    paused: json['pause'] === true,
    ...(scheduled === undefined ? {} : { scheduledSwitchover: scheduled }),
  };
}

function parseMember(json: unknown): ClusterMember | undefined {
  if (!isJsonObject(json)) return undefined;
  const name = text(json['name']);
  if (name === undefined || name === '') return undefined;
  return {
    name,
    role: clusterRole(text(json['role'])),
    state: text(json['state']) ?? 'unknown',
    lag: parseLag(json['lag']),
    pendingRestart: json['pending_restart'] === true,
    tags: isJsonObject(json['tags']) ? json['tags'] : {},
    ...optional('pendingSettings', parsePendingSettings(json['pending_restart_reason'])),
    ...optional('timeline', wholeNumber(json['timeline'])),
    ...optional('apiUrl', text(json['api_url'])),
    ...optional('host', text(json['host'])),
  };
}

/** `{"max_connections": {"old_value": "100", "new_value": "200"}}` (Patroni 4.1 `format_pending`); sorted by name. */
function parsePendingSettings(json: unknown): readonly PendingSetting[] | undefined {
  if (!isJsonObject(json)) return undefined;
  return Object.entries(json)
    .map(([name, change]) => ({
      name,
      ...optional('oldValue', isJsonObject(change) ? scalar(change['old_value']) : undefined),
      ...optional('newValue', isJsonObject(change) ? scalar(change['new_value']) : undefined),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function scalar(raw: unknown): string | undefined {
  return typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : undefined;
}

/**
 * `GET /patroni`, which answers 200 whatever the member's state. While PostgreSQL is not running it holds only state, role and `patroni`.
 * @throws ERR_PATRONI_PROTOCOL when the document has no state.
 */
export function parseMemberProbe(name: string, json: unknown): MemberProbe {
  const state = isJsonObject(json) ? text(json['state']) : undefined;
  if (!isJsonObject(json) || state === undefined) {
    throw new OperatorError('ERR_PATRONI_PROTOCOL', { member: name, method: 'GET', path: '/patroni', detail: 'no state' });
  }
  const about: JsonObject = isJsonObject(json['patroni']) ? json['patroni'] : {};
  return {
    name,
    role: probeRole(text(json['role'])),
    state,
    pendingRestart: json['pending_restart'] === true,
    paused: json['pause'] === true,
    ...optional('timeline', wholeNumber(json['timeline'])),
    ...optional('replicationState', text(json['replication_state'])),
    ...optional('systemIdentifier', text(json['database_system_identifier'])),
    ...optional('serverVersion', wholeNumber(json['server_version'])),
    ...optional('patroniVersion', text(about['version'])),
  };
}

/** `GET /config`: the dynamic configuration as it is in the DCS. @throws ERR_PATRONI_PROTOCOL when it is no object. */
export function parseDynamicConfig(json: unknown, member = '(unnamed)'): JsonObject {
  if (isJsonObject(json)) return json;
  throw new OperatorError('ERR_PATRONI_PROTOCOL', { member, method: 'GET', path: '/config', detail: 'not an object' });
}

function parseScheduled(json: unknown): ClusterView['scheduledSwitchover'] {
  if (!isJsonObject(json)) return undefined;
  return { ...optional('at', text(json['at'])), ...optional('from', text(json['from'])), ...optional('to', text(json['to'])) };
}

/** Role in `/cluster`. Patroni before 2.0 wrote `master` for the holder of the leader key. */
function clusterRole(raw: string | undefined): string {
  return raw === 'master' ? 'leader' : (raw ?? 'unknown');
}

/** Role in `/patroni`: whether PostgreSQL is in recovery. Patroni before 4.0 writes `master` where later ones write `primary`. */
function probeRole(raw: string | undefined): string {
  return raw === 'master' ? 'primary' : (raw ?? 'unknown');
}

function text(raw: unknown): string | undefined {
  return typeof raw === 'string' ? raw : undefined;
}

/** Whole numbers only. Patroni writes timeline 0 for a member whose timeline it does not know; that is left out like an absent one. */
function wholeNumber(raw: unknown): number | undefined {
  return typeof raw === 'number' && Number.isSafeInteger(raw) && raw > 0 ? raw : undefined;
}

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}
