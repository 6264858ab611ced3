import type * as z from 'zod';

import type { SpecErrorCode } from './problem.ts';

/**
 * A rule on one node of a schema, in two languages with one meaning: CEL for the API server (`x-kubernetes-validations`), and `holds` for the operator and the command
 * line. `test/conformance/cel-agrees.test.ts` holds the two equal. A rule whose CEL says `oldSelf` is judged on updates only, as in the API server.
 */
export interface Rule {
  readonly code: SpecErrorCode;
  /** Absent where the API server's cost estimate does not allow the rule (keys of maps have no bound); then only the operator judges. */
  readonly cel?: string;
  /** What is wrong and what to do, in one line. */
  readonly message: string;
  /** CEL expression and function for a message that names a value; `message` is what the API server falls back to. */
  readonly messageWith?: { readonly cel: string; readonly text: (self: unknown, old: unknown) => string };
  /** The field below the node that the finding is about, such as `maxLag`. */
  readonly field?: string;
  /** Whether the rule compares with the object before the update. */
  readonly onUpdate: boolean;
  readonly holds: (self: unknown, old: unknown) => boolean;
}

interface RuleOf<T> extends Omit<Rule, 'holds' | 'onUpdate' | 'messageWith'> {
  readonly messageWith?: { readonly cel: string; readonly text: (self: T, old: T) => string };
  readonly holds: (self: T, old: T) => boolean;
}

/** Types a rule by the value of the node it is attached to. */
export function rule<T>(definition: RuleOf<T>): Rule {
  // The schema that carries the rule guarantees T; the walk calls it only with values that this schema accepted.
  return { ...(definition as unknown as Omit<Rule, 'onUpdate'>), onUpdate: definition.cel?.includes('oldSelf') ?? false };
}

/** A text that must match `pattern`: as a rule and not as `pattern`, because the API server's own message shows the pattern and no remedy. */
export function matches(code: SpecErrorCode, pattern: RegExp, message: string): Rule {
  return rule<string>({ code, cel: `self.matches('${pattern.source}')`, message, holds: (self) => pattern.test(self) });
}

/** A text that cannot change after creation. The message names the value to set back. */
export function immutable(why: string): Rule {
  const message = immutableMessage(why);
  return rule<string>({
    code: 'ERR_SPEC_IMMUTABLE',
    cel: 'self == oldSelf',
    message,
    messageWith: { cel: `'${message} to ' + oldSelf`, text: (_, old) => `${message} to ${old}` },
    holds: (self, old) => self === old,
  });
}

/** A number that cannot change after creation. CEL cannot name the old value: `string(number)` has no bound for the API server's cost estimate. */
export function immutableNumber(why: string): Rule {
  const message = immutableMessage(why);
  return rule<number>({ code: 'ERR_SPEC_IMMUTABLE', cel: 'self == oldSelf', message, holds: (self, old) => self === old });
}

function immutableMessage(why: string): string {
  return `cannot change after creation${why === '' ? '' : ` (${why})`}: set it back`;
}

/** The rules that a schema carries itself; those of the schema it wraps (default, optional) are its own. */
export function rulesOf(schema: z.core.$ZodType): readonly Rule[] {
  return (metaOf(schema)?.['rules'] ?? []) as readonly Rule[];
}

function metaOf(schema: z.core.$ZodType): Readonly<Record<string, unknown>> | undefined {
  return (schema as z.ZodType).meta();
}
