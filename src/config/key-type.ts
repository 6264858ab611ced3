import { isJsonObject } from '../lib/deep-merge.ts';
import { found, type Found } from './found.ts';

/** What Patroni takes for a key of its configuration. */
export interface KeyType {
  readonly type: 'integer' | 'boolean' | 'booleanOrQuorum' | 'duration' | 'text' | 'textList' | 'map' | 'list' | 'choice' | 'textOrList';
  readonly min?: number;
  readonly max?: number;
  readonly unit?: 's' | 'bytes';
  /** Of type `choice`. */
  readonly values?: readonly string[];
}

/** Nothing when `value` fits; null and undefined stand for a value that is taken away. */
export function checkKey(known: KeyType, value: unknown, path: string): readonly Found[] {
  const message = value === undefined || value === null ? undefined : wrong(known, value);
  return message === undefined ? [] : [found('error', 'ERR_SPEC_CONFIG_VALUE', path, `${message}: correct it`)];
}

function wrong(known: KeyType, value: unknown): string | undefined {
  switch (known.type) {
    case 'integer':
      return isWhole(value) && inBounds(Number(value), known) ? undefined : `must be a whole number${unitWords(known.unit)}${bounds(known)}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false, without quotes';
    case 'booleanOrQuorum':
      return typeof value === 'boolean' || value === 'quorum' ? undefined : 'must be true, false or quorum';
    case 'duration':
      return isWhole(value) || (typeof value === 'string' && /^[0-9]+(\.[0-9]+)?\s*(us|ms|s|min|h|d)$/.test(value)) ? undefined : 'must be a number of seconds or a duration such as 30min';
    case 'text':
      return typeof value === 'string' ? undefined : 'must be a text';
    case 'textList':
      return Array.isArray(value) && value.every((item) => typeof item === 'string') ? undefined : 'must be a list of texts';
    case 'textOrList':
      return typeof value === 'string' || (Array.isArray(value) && value.length > 0) ? undefined : 'must be a text or a list';
    case 'map':
      return isJsonObject(value) ? undefined : 'must be a map of keys and values';
    case 'list':
      return Array.isArray(value) ? undefined : 'must be a list';
    case 'choice':
      return typeof value === 'string' && known.values?.includes(value) === true ? undefined : `must be one of ${(known.values ?? []).join(', ')}`;
  }
}

const isWhole = (value: unknown): boolean => (typeof value === 'number' ? Number.isInteger(value) : typeof value === 'string' && /^-?[0-9]+$/.test(value));

const inBounds = (value: number, { min, max }: KeyType): boolean => (min === undefined || value >= min) && (max === undefined || value <= max);

const unitWords = (unit: KeyType['unit']): string => (unit === undefined ? '' : unit === 's' ? ' of seconds' : ' of bytes');

function bounds({ min, max }: KeyType): string {
  if (min !== undefined && max !== undefined) return ` from ${String(min)} to ${String(max)}`;
  return min === undefined ? '' : ` of at least ${String(min)}`;
}
