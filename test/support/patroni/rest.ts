import type { Clock } from '../../../src/lib/clock.ts';
import type { MemberReply, MemberRequest } from '../member-http.ts';
import { isReachableCandidate, type Json, type MemberModel, type PendingReason } from './member.ts';
import type { PatroniModel } from './model.ts';

/** The REST API of one member of a `PatroniModel` (after Patroni 4.1 `api.py`). */

export interface RestAccess {
  /** Basic authentication of writes; absent: none. */
  readonly basic?: { readonly username: string; readonly password: string };
  /** Writes need a client certificate (`verify_client: optional`), when TLS is on. @default true */
  readonly needsClientCertificate?: boolean;
  /** Returns false for a source that is not in the allowlist. Not modelled further. */
  readonly isAllowed?: boolean;
}

export interface RestContext {
  readonly model: PatroniModel;
  readonly member: MemberModel;
  readonly access: RestAccess;
  /** Called on `POST /reload`: where a test lets the member read its files, i.e. take over new tags. */
  readonly onReload: (member: MemberModel) => void;
}

/** Answers one request to a member that is reachable. */
export async function handleRest(context: RestContext, request: MemberRequest): Promise<MemberReply> {
  const { member } = context;
  if (!member.isUp) return { kind: 'refuse' };
  if (member.isCutOff) return { kind: 'hang' };
  const path = request.path.split('?')[0] ?? '/';
  if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS') return read(context, path);
  return deniedAccess(context.access, request) ?? write(context, request, path);
}

function read({ model, member }: RestContext, path: string): MemberReply {
  // `/config` and `/history` come from memory; `/cluster` is read anew, and broken off when the DCS does not answer within retry_timeout.
  if (path === '/cluster' && model.isDcsDown) return { kind: 'refuse' };
  if (path === '/cluster') return json(200, clusterJson(model));
  if (path === '/config') {
    const shown = model.dcs.shownBy(member);
    return shown === undefined ? page(502) : json(200, shown);
  }
  if (path === '/history') return json(200, []);
  const status = memberJson(model, member);
  if (path === '/patroni') return json(200, status);
  // Patroni writes nothing but the status line for these two.
  if (path === '/liveness' || path === '/readiness')
    return { kind: 'answer', httpStatus: path === '/liveness' || isServing(model, member, path) ? 200 : 503, body: '' };
  return json(isServing(model, member, path) ? 200 : 503, status);
}

function isServing(model: PatroniModel, member: MemberModel, path: string): boolean {
  const isLeader = model.leader === member.name;
  const isRunning = member.state === 'running';
  if (/leader|primary|master|read-write/.test(path) || path === '/') return isLeader;
  if (path.includes('replica')) return isRunning && !isLeader && member.tags['noloadbalance'] !== true;
  if (path.includes('read-only')) return isRunning;
  if (path.includes('readiness')) return isLeader || (isRunning && member.replicationState === 'streaming');
  return path.includes('health') && isRunning;
}

/** In the order of Patroni: source, certificate, password. */
function deniedAccess(access: RestAccess, request: MemberRequest): MemberReply | undefined {
  if (access.isAllowed === false) return text(403, 'Access is denied');
  if (request.isTls && access.needsClientCertificate !== false && !request.hasClientCertificate)
    return text(403, 'client certificate required');
  if (access.basic === undefined) return undefined;
  const header = request.headers['authorization'];
  const challenge = { 'WWW-Authenticate': 'Basic realm="Patroni"' };
  if (header === undefined) return text(401, 'no auth header received', challenge);
  const expected = Buffer.from(`${access.basic.username}:${access.basic.password}`, 'utf8').toString('base64');
  return header === `Basic ${expected}` ? undefined : text(401, 'not authenticated', challenge);
}

async function write(context: RestContext, request: MemberRequest, path: string): Promise<MemberReply> {
  const { model, member } = context;
  const route = `${request.method} ${path}`;
  if (route === 'POST /reload') {
    context.onReload(member);
    return text(202, 'reload scheduled');
  }
  const isBodyOptional = route === 'POST /restart' || route === 'POST /reinitialize';
  const body = bodyOf(request, isBodyOptional);
  if (typeof body === 'number') return page(body);
  // A change is checked against memory and its write fails; for everything else the real one breaks off after retry_timeout.
  if (model.isDcsDown) return route === 'PATCH /config' ? page(409) : { kind: 'refuse' };
  switch (route) {
    case 'PATCH /config':
      return patchConfig(model, member, body);
    case 'POST /switchover':
      return switchover(model, body);
    case 'POST /restart':
      return restart(model, member, body);
    default:
      return page(501);
  }
}

function patchConfig(model: PatroniModel, member: MemberModel, body: Json): MemberReply {
  const result = model.dcs.patch(body, member.name);
  if (result === 'done') return json(200, model.config ?? {});
  return page(result === 'missing' ? 503 : 409);
}

async function restart(model: PatroniModel, member: MemberModel, body: Json): Promise<MemberReply> {
  if ('restart_pending' in body && !isPending(member.pending)) return text(503, 'restart conditions are not satisfied');
  if (member.state !== 'running') return text(503, 'restart conditions are not satisfied');
  await model.restart(member.name);
  return text(200, 'restarted successfully');
}

async function switchover(model: PatroniModel, body: Json): Promise<MemberReply> {
  const leader = stringOf(body['leader']);
  const candidate = stringOf(body['candidate']) ?? stringOf(body['member']);
  if (leader === undefined) return text(400, 'Switchover could be performed only from a specific leader');
  if (body['scheduled_at'] !== undefined) return text(400, 'The double does not schedule');
  if (model.isPaused && candidate === undefined) return text(400, 'Switchover is possible only to a specific candidate in a paused state');
  if (leader === candidate) return text(400, 'Switchover target and source are the same');
  const refusal = refusalOf(model, leader, candidate);
  if (refusal !== undefined) return text(412, refusal);
  model.requestSwitchover(leader, candidate);
  return awaitSwitchover(model, leader, candidate);
}

function refusalOf(model: PatroniModel, leader: string, candidate: string | undefined): string | undefined {
  if (model.leader !== leader) return 'leader name does not match';
  const known = model.members().filter((m) => m.hasKey);
  const asked = known.filter((m) => (candidate === undefined ? m.name !== leader : m.name === candidate));
  if (asked.length === 0)
    return candidate === undefined
      ? 'switchover is not possible: cluster does not have members except leader'
      : 'candidate does not exists';
  return asked.some(isReachableCandidate) ? undefined : 'switchover is not possible: no good candidates have been found';
}

async function awaitSwitchover(model: PatroniModel, leader: string, candidate: string | undefined): Promise<MemberReply> {
  const rounds = 2 * Math.max(10, Number(model.config?.['loop_wait'] ?? 10));
  for (let round = 0; round < rounds; round++) {
    await wait(model.clock, model.timing.pollMs);
    const now = model.leader;
    if (now !== undefined && now !== leader) {
      return candidate === undefined || candidate === now
        ? text(200, `Successfully switched over to "${now}"`)
        : text(200, `Switched over to "${now}" instead of "${candidate}"`);
    }
    if (model.failover === undefined) return text(503, 'Switchover failed');
  }
  return text(503, 'Switchover status unknown');
}

/** `GET /cluster`. */
function clusterJson(model: PatroniModel): Json {
  const scheduled = model.failover?.scheduledAt;
  return {
    members: model
      .members()
      .filter((m) => m.hasKey)
      .map((m) => clusterMemberJson(model, m)),
    ...(model.isPaused ? { pause: true } : {}),
    ...(scheduled === undefined ? {} : { scheduled_switchover: { at: scheduled, from: model.failover?.leader } }),
    scope: model.scope,
  };
}

const LEADER_LSN = 0x5000060;

function clusterMemberJson(model: PatroniModel, m: MemberModel): Json {
  const isLeader = m.name === model.leader;
  const lsn = m.lagBytes === undefined ? undefined : LEADER_LSN - Math.min(m.lagBytes, LEADER_LSN);
  const position = lsn === undefined ? 'unknown' : `0/${lsn.toString(16).toUpperCase()}`;
  const lag = m.lagBytes ?? 'unknown';
  return {
    name: m.name,
    role: isLeader ? 'leader' : 'replica',
    state: (isLeader ? undefined : (m.replicationState ?? m.replicationStateInKey)) ?? m.state,
    api_url: `https://${m.name}:8008/patroni`,
    host: m.name,
    port: 5432,
    ...(m.timeline === undefined ? {} : { timeline: m.timeline }),
    ...pendingJson(m.pendingInKey),
    ...(Object.keys(m.tags).length === 0 ? {} : { tags: m.tags }),
    ...(isLeader ? {} : { receive_lsn: position, receive_lag: lag, replay_lsn: position, replay_lag: lag, lsn: position, lag }),
  };
}

const isPending = (reason: PendingReason): boolean => Object.keys(reason).length > 0;

function pendingJson(reason: PendingReason): Json {
  return isPending(reason) ? { pending_restart: true, pending_restart_reason: reason } : {};
}

/** `GET /patroni`. */
function memberJson(model: PatroniModel, m: MemberModel): Json {
  const isLeader = model.leader === m.name;
  const running =
    m.state === 'running'
      ? {
          server_version: model.serverVersion,
          postmaster_start_time: '2026-01-01 00:00:00.000000+00:00',
          ...(m.timeline === undefined ? {} : { timeline: m.timeline }),
          ...(m.replicationState === undefined ? {} : { replication_state: m.replicationState }),
          xlog: isLeader
            ? { location: LEADER_LSN }
            : { received_location: LEADER_LSN, replayed_location: LEADER_LSN, replayed_timestamp: null, paused: false },
        }
      : {};
  return {
    state: m.state,
    role: isLeader ? 'primary' : m.state === 'running' ? 'replica' : m.hasData ? 'demoted' : 'uninitialized',
    ...running,
    ...(model.isPaused ? { pause: true } : {}),
    ...(model.leader === undefined ? { cluster_unlocked: true } : {}),
    dcs_last_seen: Math.floor(model.clock.nowMs() / 1000),
    ...(Object.keys(m.tags).length === 0 ? {} : { tags: m.tags }),
    ...(m.hasData ? { database_system_identifier: model.systemIdentifier } : {}),
    ...pendingJson(m.pending),
    patroni: { version: model.patroniVersion, scope: model.scope, name: m.name },
  };
}

/** The body, or the status of the refusal: 411 without a Content-Length (chunked), 400 for what is no object or an empty one. */
function bodyOf(request: MemberRequest, isOptional: boolean): Json | 400 | 411 {
  if (request.headers['content-length'] === undefined) return isOptional ? {} : 411;
  if (request.body === '' && isOptional) return {};
  try {
    const parsed: unknown = JSON.parse(request.body);
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject && (isOptional || Object.keys(parsed).length > 0) ? (parsed as Json) : 400;
  } catch {
    return 400;
  }
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function wait(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.setTimeout(resolve, ms));
}

function json(httpStatus: number, value: unknown): MemberReply {
  return { kind: 'answer', httpStatus, body: JSON.stringify(value), headers: { 'Content-Type': 'application/json', Connection: 'close' } };
}

function text(httpStatus: number, body: string, headers: Readonly<Record<string, string>> = {}): MemberReply {
  return { kind: 'answer', httpStatus, body, headers: { ...headers, 'Content-Type': 'text/html', Connection: 'close' } };
}

/** Python's http.server answers what it cannot read with a page. */
function page(httpStatus: number): MemberReply {
  return {
    kind: 'answer',
    httpStatus,
    body: `<!DOCTYPE HTML><html><p>Error code: ${httpStatus}</p></html>`,
    headers: { 'Content-Type': 'text/html;charset=utf-8', Connection: 'close' },
  };
}
