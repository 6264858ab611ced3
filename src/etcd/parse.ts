import { OperatorError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../lib/deep-merge.ts';

/**
 * The border to etcd's gRPC gateway (etcd 3.4 to 3.6, JSON of protobuf): 64-bit numbers are texts, keys and values base64, and fields that have
 * their zero value are left out.
 */

export interface EtcdMember {
  /** 64-bit id in decimal, as the gateway writes it (etcdctl prints it in hex). */
  readonly id: string;
  /** Empty until the member has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** One member's own word about itself. It answers without a quorum, too. */
export interface EtcdStatus {
  readonly memberId: string;
  /** Absent while the member knows no leader. */
  readonly leaderId?: string;
  /** e.g. `3.6.11`. */
  readonly version: string;
  readonly isLearner: boolean;
  readonly dbSizeBytes: number;
  readonly dbSizeInUseBytes: number;
  readonly raftIndex: number;
  readonly raftTerm: number;
  /** Alarms and complaints, such as `etcdserver: no leader`. */
  readonly errors: readonly string[];
}

export interface EtcdKeyValue {
  readonly key: string;
  readonly value: string;
  /** Revision of the last change. */
  readonly modRevision: number;
  /** Absent when the key hangs on no lease. Patroni's leader and member keys do. */
  readonly leaseId?: string;
}

/** Answer of `/v3/cluster/member/list`. @throws ERR_ETCD_PROTOCOL */
export function parseMemberList(json: unknown, member: string): readonly EtcdMember[] {
  const members = objectOf(json, member, '/v3/cluster/member/list')['members'];
  return list(members).flatMap((raw) => {
    if (!isJsonObject(raw)) return [];
    return [
      {
        id: text(raw['ID']),
        name: text(raw['name']),
        peerUrls: texts(raw['peerURLs']),
        clientUrls: texts(raw['clientURLs']),
        isLearner: raw['isLearner'] === true,
      },
    ];
  });
}

/** Answer of `/v3/maintenance/status`. @throws ERR_ETCD_PROTOCOL */
export function parseStatus(json: unknown, member: string): EtcdStatus {
  const path = '/v3/maintenance/status';
  const raw = objectOf(json, member, path);
  const header = raw['header'];
  if (!isJsonObject(header)) throw new OperatorError('ERR_ETCD_PROTOCOL', { member, path, detail: 'no header' });
  const leaderId = text(raw['leader']);
  return {
    memberId: text(header['member_id']),
    ...(leaderId === '' || leaderId === '0' ? {} : { leaderId }),
    version: text(raw['version']),
    isLearner: raw['isLearner'] === true,
    dbSizeBytes: count(raw['dbSize']),
    dbSizeInUseBytes: count(raw['dbSizeInUse']),
    raftIndex: count(raw['raftIndex']),
    raftTerm: count(raw['raftTerm']),
    errors: texts(raw['errors']),
  };
}

export interface EtcdRange {
  readonly pairs: readonly EtcdKeyValue[];
  readonly hasMore: boolean;
}

/** Answer of `/v3/kv/range`. @throws ERR_ETCD_PROTOCOL */
export function parseRange(json: unknown, member: string): EtcdRange {
  const raw = objectOf(json, member, '/v3/kv/range');
  const pairs = list(raw['kvs']).flatMap((kv) => {
    if (!isJsonObject(kv)) return [];
    const leaseId = text(kv['lease']);
    return [
      {
        key: fromBase64(text(kv['key'])),
        value: fromBase64(text(kv['value'])),
        modRevision: count(kv['mod_revision']),
        ...(leaseId === '' || leaseId === '0' ? {} : { leaseId }),
      },
    ];
  });
  return { pairs, hasMore: raw['more'] === true };
}

/** Answer of `/v3/kv/deleterange`: how many keys were deleted. @throws ERR_ETCD_PROTOCOL */
export function parseDeleted(json: unknown, member: string): number {
  return count(objectOf(json, member, '/v3/kv/deleterange')['deleted']);
}

/** What the gateway says when a request fails: `{"error": "...", "code": 14, "message": "..."}`; `code` is gRPC's. */
export function parseFailure(body: string): { readonly grpcCode?: number; readonly detail: string } {
  try {
    const raw: unknown = JSON.parse(body);
    if (isJsonObject(raw)) {
      const { code, message, error } = raw;
      return { ...(typeof code === 'number' ? { grpcCode: code } : {}), detail: text(message) || text(error) };
    }
  } catch {
    // Not from the gateway (etcd's own HTTP errors are plain text): the text itself is the detail.
  }
  return { detail: body.trim().slice(0, 300) };
}

export function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/**
 * The end of the range that holds all keys beginning with `prefix`, in base64: the prefix with its last byte that can grow made one larger
 * (etcd `clientv3.GetPrefixRangeEnd`). A prefix of nothing but 0xff bytes, or an empty one, ends at `\0`, which means "to the end".
 */
export function prefixEndBase64(prefix: string): string {
  const bytes = Buffer.from(prefix, 'utf8');
  for (let i = bytes.length - 1; i >= 0; i--) {
    const byte = bytes[i] ?? 0xff;
    if (byte < 0xff) return Buffer.from([...bytes.subarray(0, i), byte + 1]).toString('base64');
  }
  return Buffer.from([0]).toString('base64');
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

function objectOf(json: unknown, member: string, path: string): JsonObject {
  if (isJsonObject(json)) return json;
  throw new OperatorError('ERR_ETCD_PROTOCOL', { member, path, detail: 'not an object' });
}

function list(raw: unknown): readonly unknown[] {
  return Array.isArray(raw) ? raw : [];
}

function texts(raw: unknown): readonly string[] {
  return list(raw).filter((item) => typeof item === 'string');
}

function text(raw: unknown): string {
  return typeof raw === 'string' ? raw : '';
}

/** A 64-bit number as text, or a plain one; zero when absent. Sizes, indexes and revisions stay far below 2^53. */
function count(raw: unknown): number {
  const number = typeof raw === 'string' ? Number(raw) : raw;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : 0;
}
