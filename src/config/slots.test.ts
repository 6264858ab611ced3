import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { cluster } from '../../test/golden/cluster.ts';
import { memberSlots, slotName, slotPatch } from './slots.ts';

const c = cluster();
const physical = { type: 'physical' } as const;

describe('memberSlots', () => {
  test('has one physical slot for each member, named as Patroni derives it', () => {
    expect(memberSlots(c, 2)).toEqual({ orders_postgres_0: physical, orders_postgres_1: physical });
  });

  test.each([
    ['orders-postgres-0', 'orders_postgres_0'],
    ['a.b-C', 'a_b_c'],
    ['x'.repeat(70), 'x'.repeat(63)],
  ])('the slot of %s is %s', (member, slot) => {
    expect(slotName(member)).toBe(slot);
  });
});

describe('slotPatch', () => {
  test('is nothing when the slots are as wanted, whatever else is configured', () => {
    const live = { ttl: 20, slots: { ...memberSlots(c, 3), reporting: { type: 'logical', database: 'app', plugin: 'pgoutput' } } };
    expect(slotPatch(c, live, memberSlots(c, 3))).toBeUndefined();
  });

  test('adds the slots of new members', () => {
    expect(slotPatch(c, { slots: memberSlots(c, 1) }, memberSlots(c, 2))).toEqual({ slots: { orders_postgres_1: physical } });
  });

  test('removes the slots of members that went, and no others', () => {
    const live = { slots: { ...memberSlots(c, 3), reporting: physical, orders_postgres_backup: physical, other_postgres_2: physical } };
    expect(slotPatch(c, live, memberSlots(c, 2))).toEqual({ slots: { orders_postgres_2: null } });
  });

  test('corrects a slot that somebody changed', () => {
    expect(slotPatch(c, { slots: { orders_postgres_0: null } }, memberSlots(c, 1))).toEqual({ slots: memberSlots(c, 1) });
  });

  test.each([{}, { slots: null }, { slots: 'none' }, { slots: [] }])('starts from nothing when the configuration is %j', (live) => {
    expect(slotPatch(c, live, memberSlots(c, 1))).toEqual({ slots: memberSlots(c, 1) });
  });

  test('applied once, leaves nothing to do and every other slot as it was', () => {
    const slots = fc.dictionary(
      fc.constantFrom('orders_postgres_0', 'orders_postgres_1', 'orders_postgres_9', 'mine', 'orders_postgres_x'),
      fc.constantFrom(physical, { type: 'logical' }),
    );
    fc.assert(
      fc.property(slots, fc.integer({ min: 0, max: 4 }), (live, replicas) => {
        const wanted = memberSlots(c, replicas);
        const patched = apply({ slots: live }, slotPatch(c, { slots: live }, wanted) ?? {});
        expect(slotPatch(c, patched, wanted)).toBeUndefined();
        for (const name of ['mine', 'orders_postgres_x']) expect((patched['slots'] as Record<string, unknown>)[name]).toEqual(live[name]);
      }),
    );
  });
});

/** A PATCH of `slots` as Patroni does it: null deletes. */
function apply(config: { slots: Record<string, unknown> }, patch: { slots?: Record<string, unknown> }): Record<string, unknown> {
  const slots = Object.entries({ ...config.slots, ...patch.slots }).filter(([, slot]) => slot !== null);
  return { ...config, slots: Object.fromEntries(slots) };
}
