/**
 * Sets of field paths, as managedFields record them (FieldsV1). A path element is kept in its written form: `f:name` a field,
 * `k:{"name":"x"}` an item of a keyed list, `v:"x"` an item of a set. After structured-merge-diff v6, `fieldpath/set.go` and `serialize.go`.
 */
import { isRecord, type Draft, type JsonObject } from './json.ts';

export class FieldSet {
  readonly members: Set<string>;
  readonly children: Map<string, FieldSet>;

  constructor(members: Iterable<string> = [], children: Iterable<readonly [string, FieldSet]> = []) {
    this.members = new Set(members);
    this.children = new Map([...children].filter(([, set]) => !set.isEmpty()));
  }

  isEmpty(): boolean {
    return this.members.size === 0 && [...this.children.values()].every((each) => each.isEmpty());
  }

  /** Adds a path. The empty path is nothing. */
  insert(path: readonly string[]): void {
    const [first, ...rest] = path;
    if (first === undefined) return;
    if (rest.length === 0) {
      this.members.add(first);
      return;
    }
    let child = this.children.get(first);
    if (child === undefined) this.children.set(first, (child = new FieldSet()));
    child.insert(rest);
  }

  has(path: readonly string[]): boolean {
    const [first, ...rest] = path;
    if (first === undefined) return false;
    return rest.length === 0 ? this.members.has(first) : (this.children.get(first)?.has(rest) ?? false);
  }

  /** What lies below one element. */
  below(element: string): FieldSet {
    return this.children.get(element) ?? EMPTY;
  }

  union(other: FieldSet): FieldSet {
    const children = new Map(this.children);
    for (const [element, set] of other.children) children.set(element, children.get(element)?.union(set) ?? set);
    return new FieldSet([...this.members, ...other.members], children);
  }

  intersection(other: FieldSet): FieldSet {
    return new FieldSet(
      [...this.members].filter((each) => other.members.has(each)),
      [...this.children].map(([element, set]) => [element, set.intersection(other.below(element))] as const),
    );
  }

  difference(other: FieldSet): FieldSet {
    return new FieldSet(
      [...this.members].filter((each) => !other.members.has(each)),
      [...this.children].map(([element, set]) => [element, set.difference(other.below(element))] as const),
    );
  }

  /** Like `difference`, but a member of the other set takes everything below it along. */
  recursiveDifference(other: FieldSet): FieldSet {
    return new FieldSet(
      [...this.members].filter((each) => !other.members.has(each)),
      [...this.children]
        .filter(([element]) => !other.members.has(element))
        .map(([element, set]) => [element, set.recursiveDifference(other.below(element))] as const),
    );
  }

  equals(other: FieldSet): boolean {
    return this.difference(other).isEmpty() && other.difference(this).isEmpty();
  }

  paths(prefix: readonly string[] = []): string[][] {
    const elements = [...new Set([...this.members, ...this.children.keys()])].sort();
    return elements.flatMap((element) => [
      ...(this.members.has(element) ? [[...prefix, element]] : []),
      ...this.below(element).paths([...prefix, element]),
    ]);
  }

  toFieldsV1(): JsonObject {
    const out: Draft = {};
    for (const element of [...new Set([...this.members, ...this.children.keys()])].sort()) {
      const below = this.below(element).toFieldsV1();
      out[element] = this.members.has(element) && Object.keys(below).length > 0 ? { '.': {}, ...below } : below;
    }
    return out;
  }

  static fromFieldsV1(fields: JsonObject): FieldSet {
    const set = new FieldSet();
    for (const [element, value] of Object.entries(fields)) {
      if (element === '.' || !isRecord(value)) continue;
      const keys = Object.keys(value);
      if (keys.length === 0 || '.' in value) set.members.add(element);
      if (keys.some((key) => key !== '.')) set.children.set(element, FieldSet.fromFieldsV1(value));
    }
    return set;
  }

  static of(...paths: readonly (readonly string[])[]): FieldSet {
    const set = new FieldSet();
    paths.forEach((path) => set.insert(path));
    return set;
  }
}

const EMPTY = new FieldSet();

/** A path for people, as in conflict causes: `.spec.ports[port=80,protocol="TCP"].name`. */
export const pathText = (path: readonly string[]): string =>
  path
    .map((element) => {
      const rest = element.slice(2);
      if (element.startsWith('f:')) return `.${rest}`;
      if (element.startsWith('v:')) return `[=${rest}]`;
      const keys = JSON.parse(rest) as Record<string, unknown>;
      return `[${Object.entries(keys)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
    })
    .join('');
