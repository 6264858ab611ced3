/** JSON Patch (RFC 6902), JSON Merge Patch (RFC 7386) and strategic merge patch. */
import { ApiError, badRequest } from './api-error.ts';
import { asArray, asRecord, asString, equal, isRecord, without, type Draft, type JsonObject, type JsonValue } from './json.ts';
import { resolve, shapeOf } from './schema.ts';

/** What a patch that cannot be carried out answers, whatever the reason. */
const refused = (): ApiError => new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});

const tokens = (pointer: string): string[] => {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((each) => each.replaceAll('~1', '/').replaceAll('~0', '~'));
};

const lookup = (document: JsonValue, pointer: string): JsonValue | undefined => {
  let here: JsonValue | undefined = document;
  for (const token of tokens(pointer)) {
    if (Array.isArray(here)) here = (here as readonly JsonValue[])[Number(token)];
    else here = isRecord(here) ? here[token] : undefined;
  }
  return here;
};

type Change = 'add' | 'remove' | 'replace';

const changeAt = (document: JsonValue, path: readonly string[], change: Change, value: JsonValue | undefined): JsonValue => {
  const [token, ...rest] = path;
  if (token === undefined) return value ?? null;
  if (Array.isArray(document)) {
    const list = [...(document as readonly JsonValue[])];
    const index = token === '-' ? list.length : Number(token);
    if (!Number.isInteger(index) || index < 0 || index > list.length - (change === 'add' && rest.length === 0 ? 0 : 1)) throw refused();
    if (rest.length > 0) list[index] = changeAt(list[index] ?? null, rest, change, value);
    else if (change === 'add') list.splice(index, 0, value ?? null);
    else if (change === 'remove') list.splice(index, 1);
    else list[index] = value ?? null;
    return list;
  }
  if (!isRecord(document)) throw refused();
  if (rest.length > 0) {
    if (document[token] === undefined) throw refused();
    return { ...document, [token]: changeAt(document[token], rest, change, value) };
  }
  if (change !== 'add' && !(token in document)) throw refused();
  return change === 'remove' ? without(document, token) : { ...document, [token]: value ?? null };
};

export const jsonPatch = (document: JsonObject, operations: JsonValue): JsonObject => {
  if (!Array.isArray(operations))
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  let out: JsonValue = document;
  for (const operation of (operations as readonly JsonValue[]).map(asRecord)) {
    const path = asString(operation['path']);
    const from = asString(operation['from']);
    switch (operation['op']) {
      case 'test':
        if (!equal(lookup(out, path) ?? null, operation['value'] ?? null)) throw refused();
        break;
      case 'add':
      case 'remove':
      case 'replace':
        out = changeAt(out, tokens(path), operation['op'], operation['value']);
        break;
      case 'move':
      case 'copy': {
        const value = lookup(out, from);
        if (value === undefined) throw refused();
        if (operation['op'] === 'move') out = changeAt(out, tokens(from), 'remove', undefined);
        out = changeAt(out, tokens(path), 'add', value);
        break;
      }
      default:
        throw badRequest(`Unexpected kind: ${asString(operation['op'])}`);
    }
  }
  return asRecord(out);
};

export const mergePatch = (document: JsonValue | undefined, patch: JsonValue): JsonValue => {
  if (!isRecord(patch)) return patch;
  const out: Draft = { ...asRecord(document) };
  for (const [key, value] of Object.entries(patch)) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a plain data object
    if (value === null) delete out[key];
    else out[key] = mergePatch(out[key], value);
  }
  return out;
};

/** Lists that a strategic merge joins by a key, or undefined for those it replaces. */
const mergeKeyOf = (schema: JsonObject): { readonly key: string } | undefined => {
  const plain = resolve(schema);
  if (!asString(plain['x-kubernetes-patch-strategy']).split(',').includes('merge')) return undefined;
  return { key: asString(plain['x-kubernetes-patch-merge-key']) };
};

/** Strategic merge patch with `$patch: delete|replace`, `$deleteFromPrimitiveList/…`, `$setElementOrder/…`, `$retainKeys`. */
export const strategicMerge = (schema: JsonObject, document: JsonValue | undefined, patch: JsonValue): JsonValue => {
  if (!isRecord(patch)) return patch;
  if (patch['$patch'] === 'replace') return without(patch, '$patch');
  const shape = shapeOf(schema);
  let base = asRecord(document);
  const retain = patch['$retainKeys'];
  if (Array.isArray(retain))
    base = Object.fromEntries(Object.entries(base).filter(([key]) => (retain as readonly JsonValue[]).includes(key)));
  const out: Draft = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (key === '$retainKeys' || key === '$patch' || key.startsWith('$setElementOrder/')) continue;
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const list = key.slice(25);
      out[list] = asArray(out[list]).filter((each) => !asArray(value).includes(each));
      continue;
    }
    const below = (shape.kind === 'map' ? (shape.fields[key] ?? shape.values) : undefined) ?? {};
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a plain data object
    if (value === null || (isRecord(value) && value['$patch'] === 'delete')) delete out[key];
    else if (Array.isArray(value))
      out[key] = mergeList(below, asArray(out[key]), value as readonly JsonValue[], asArray(patch[`$setElementOrder/${key}`]));
    else out[key] = strategicMerge(below, out[key], value);
  }
  return out;
};

const mergeList = (schema: JsonObject, live: readonly JsonValue[], patch: readonly JsonValue[], order: readonly JsonValue[]): JsonValue => {
  const merge = mergeKeyOf(schema);
  if (merge === undefined) return patch;
  if (merge.key === '') return [...live, ...patch.filter((each) => !live.includes(each))];
  if (patch.some((each) => asRecord(each)['$patch'] === 'replace')) return patch.filter((each) => asRecord(each)['$patch'] === undefined);
  const keyOf = (item: JsonValue): JsonValue => asRecord(item)[merge.key] ?? null;
  const items = asRecord(resolve(schema)['items']);
  let out = [...live];
  for (const item of patch) {
    const at = out.findIndex((each) => equal(keyOf(each), keyOf(item)));
    if (asRecord(item)['$patch'] === 'delete') out = out.filter((_, index) => index !== at);
    else if (at < 0) out.push(without(asRecord(item), '$patch'));
    else out[at] = strategicMerge(items, out[at], item);
  }
  if (order.length === 0) return out;
  const rank = (item: JsonValue): number => {
    const found = order.findIndex((each) => equal(keyOf(each), keyOf(item)));
    return found < 0 ? order.length : found;
  };
  return out.sort((a, b) => rank(a) - rank(b));
};
