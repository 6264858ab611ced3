/**
 * Bodies in Kubernetes' protobuf, for the few kinds that kubectl and helm send that way (`kubectl create secret`, helm's release storage).
 * Field numbers: kubernetes `api/core/v1/generated.proto` and `apimachinery/pkg/apis/meta/v1/generated.proto`.
 */
import { asString, type Draft, type JsonObject, type JsonValue } from './json.ts';

type Kind = 'string' | 'bytes' | 'int' | 'bool' | 'time' | { readonly map: 'string' | 'bytes' } | { readonly message: Message };
interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly repeated?: boolean;
}
type Message = Readonly<Record<number, Field>>;

const text = (name: string): Field => ({ name, kind: 'string' });
const many = (name: string): Field => ({ name, kind: 'string', repeated: true });
const map = (name: string, of: 'string' | 'bytes'): Field => ({ name, kind: { map: of } });
const message = (name: string, of: Message, repeated = false): Field => ({ name, kind: { message: of }, repeated });

const OWNER: Message = {
  1: text('kind'),
  3: text('name'),
  4: text('uid'),
  5: text('apiVersion'),
  6: { name: 'controller', kind: 'bool' },
  7: { name: 'blockOwnerDeletion', kind: 'bool' },
};
const META: Message = {
  1: text('name'),
  2: text('generateName'),
  3: text('namespace'),
  5: text('uid'),
  6: text('resourceVersion'),
  7: { name: 'generation', kind: 'int' },
  8: { name: 'creationTimestamp', kind: 'time' },
  11: map('labels', 'string'),
  12: map('annotations', 'string'),
  13: message('ownerReferences', OWNER, true),
  14: many('finalizers'),
};
const metadata = message('metadata', META);

const KINDS: Readonly<Record<string, Message>> = {
  Secret: { 1: metadata, 2: map('data', 'bytes'), 3: text('type'), 4: map('stringData', 'string'), 5: { name: 'immutable', kind: 'bool' } },
  ConfigMap: { 1: metadata, 2: map('data', 'string'), 3: map('binaryData', 'bytes'), 4: { name: 'immutable', kind: 'bool' } },
  Namespace: { 1: metadata },
  ServiceAccount: { 1: metadata },
  DeleteOptions: {
    1: { name: 'gracePeriodSeconds', kind: 'int' },
    2: message('preconditions', { 1: text('uid'), 2: text('resourceVersion') }),
    3: { name: 'orphanDependents', kind: 'bool' },
    4: text('propagationPolicy'),
    5: many('dryRun'),
  },
};
const ENVELOPE: Message = { 1: message('typeMeta', { 1: text('apiVersion'), 2: text('kind') }), 2: { name: 'raw', kind: 'bytes' } };

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

const varint = (cursor: Cursor): number => {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = cursor.bytes[cursor.at++] ?? 0;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return Number(BigInt.asIntN(64, value));
  }
};

const chunk = (cursor: Cursor): Buffer => {
  const length = varint(cursor);
  const from = cursor.at;
  cursor.at += length;
  return cursor.bytes.subarray(from, cursor.at);
};

const skip = (cursor: Cursor, wire: number): void => {
  if (wire === 0) varint(cursor);
  else if (wire === 2) chunk(cursor);
  else cursor.at += wire === 1 ? 8 : 4;
};

const decode = (bytes: Buffer, fields: Message): Draft => {
  const out: Draft = {};
  const cursor: Cursor = { bytes, at: 0 };
  while (cursor.at < bytes.length) {
    const tag = varint(cursor);
    const field = fields[tag >> 3];
    if (field === undefined) {
      skip(cursor, tag & 7);
      continue;
    }
    const { name, kind } = field;
    if (typeof kind === 'object' && 'map' in kind) {
      const of: Field = { name: 'value', kind: kind.map };
      const { key, value } = decode(chunk(cursor), { 1: text('key'), 2: of });
      out[name] = { ...(out[name] as JsonObject | undefined), [asString(key)]: value ?? '' };
      continue;
    }
    const value = one(cursor, kind);
    if (value === undefined) continue;
    out[name] = field.repeated === true ? [...((out[name] as readonly JsonValue[] | undefined) ?? []), value] : value;
  }
  return out;
};

const one = (cursor: Cursor, kind: Exclude<Kind, { readonly map: unknown }>): JsonValue | undefined => {
  if (kind === 'int') return varint(cursor);
  if (kind === 'bool') return varint(cursor) !== 0;
  const bytes = chunk(cursor);
  if (kind === 'bytes') return bytes.toString('base64');
  if (kind === 'string') return bytes.toString('utf8') || undefined;
  if (kind === 'time') {
    const seconds = decode(bytes, { 1: { name: 'seconds', kind: 'int' } })['seconds'];
    return typeof seconds === 'number' && seconds > 0 ? `${new Date(seconds * 1_000).toISOString().slice(0, 19)}Z` : undefined;
  }
  return decode(bytes, kind.message);
};

/** The JSON text of a protobuf body, or undefined when it is none or of a kind not known here. */
export const protobufToJson = (body: Buffer): string | undefined => {
  if (body.subarray(0, 4).toString('latin1') !== 'k8s\0') return undefined;
  const { typeMeta, raw } = decode(body.subarray(4), ENVELOPE);
  const { apiVersion, kind } = typeMeta as { readonly apiVersion: string; readonly kind: string };
  const fields = KINDS[kind];
  return fields === undefined ? undefined : JSON.stringify({ apiVersion, kind, ...decode(Buffer.from(raw as string, 'base64'), fields) });
};
