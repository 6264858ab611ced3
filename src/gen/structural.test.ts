import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';

import { rule } from '../api/rule.ts';
import { structuralSchema } from './structural.ts';

const positive = rule<{ readonly n: number }>({
  code: 'ERR_SPEC_VALUE',
  cel: 'self.n > 0',
  message: 'must be positive: raise it',
  field: 'n',
  holds: ({ n }) => n > 0,
});
const same = rule<object>({
  code: 'ERR_SPEC_IMMUTABLE',
  cel: 'self == oldSelf',
  message: 'cannot change: set it back',
  messageWith: { cel: "'x'", text: () => 'x' },
  holds: () => true,
});
const codeOnly = rule<object>({ code: 'ERR_SPEC_VALUE', message: 'is judged by code: correct it', holds: () => true });

describe('structuralSchema', () => {
  test('leaves out what a CRD must not have', () => {
    const schema = structuralSchema(
      z.strictObject({ count: z.int(), any: z.record(z.string(), z.unknown()).meta({ 'x-kubernetes-preserve-unknown-fields': true }) }),
    );
    expect(schema).toEqual({
      type: 'object',
      properties: { count: { type: 'integer', format: 'int64' }, any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      required: ['count', 'any'],
    });
  });

  test('makes optional what has a default', () => {
    expect(
      structuralSchema(z.strictObject({ a: z.string().default('x'), b: z.strictObject({}).prefault({}) }))['required'],
    ).toBeUndefined();
  });

  test('writes rules with their message, field and reason, and none that only code can judge', () => {
    const schema = structuralSchema(z.strictObject({ n: z.int().min(0).max(9) }).meta({ rules: [positive, same, codeOnly] }));
    expect(schema['x-kubernetes-validations']).toEqual([
      { rule: 'self.n > 0', message: 'must be positive: raise it', fieldPath: '.n' },
      { rule: 'self == oldSelf', message: 'cannot change: set it back', messageExpression: "'x'", reason: 'FieldValueForbidden' },
    ]);
    expect(JSON.stringify(schema)).not.toContain('"rules"');
  });

  test('writes out the default of an object whose rules read fields, and of no other', () => {
    const withRule = z
      .strictObject({ n: z.int().default(1), deep: z.strictObject({ m: z.string().default('x') }).prefault({}) })
      .meta({ rules: [positive] })
      .prefault({});
    const { properties } = structuralSchema(z.strictObject({ withRule, without: z.strictObject({ n: z.int().default(1) }).prefault({}) }));
    expect(properties?.['withRule']?.default).toEqual({ n: 1, deep: { m: 'x' } });
    expect(properties?.['without']?.default).toEqual({});
  });

  test('keeps the order of fields and puts description and type first', () => {
    const schema = structuralSchema(z.strictObject({ zebra: z.string().max(3).describe('A zebra.'), ant: z.boolean() }));
    expect(Object.keys(schema.properties ?? {})).toEqual(['zebra', 'ant']);
    expect(Object.keys(schema.properties?.['zebra'] ?? {})).toEqual(['description', 'type', 'maxLength']);
  });

  test.each([
    ['a union', z.union([z.string(), z.strictObject({})])],
    ['a transformation without a form', z.string().transform((text) => new Set([text]))],
  ])('shows %s to the checker instead of hiding it', (_, schema) => {
    // structural.test.ts in test/conformance refuses anyOf, and schemas without type.
    expect(JSON.stringify(structuralSchema(schema))).toMatch(/anyOf|"type":"string"/);
  });
});
