import type { EffectiveCluster } from '../../api/effective.ts';
import { type Impact, isWithoutEffect, type KeyChange } from '../../resources/impact.ts';
import { stepText, whenText } from '../../resources/impact-words.ts';
import { cell, table } from '../table.ts';
import { EFFECT_WORDS } from './explain-file.ts';

/** An impact for people: tables of what changes, then the restarts as numbered steps. `waiting`: members that wait for a restart already. */
export function impactText(c: EffectiveCluster, impact: Impact, waiting: readonly string[]): string {
  const title = `PatroniCluster/${c.name} in namespace ${c.namespace}`;
  if (impact.isCreation) return `${title}: does not exist and would be created\n`;
  if (isWithoutEffect(impact)) return `${title}: no change\n`;
  const parts = [`${title}: ${summary(impact)}\n`, ...tables(impact), restarts(c, impact), pendingNote(waiting)];
  return parts.filter((part) => part !== '').join('\n');
}

function summary({ restarts: { steps, writePauses } }: Impact): string {
  if (steps.length === 0) return 'changes, and nothing restarts';
  const count = steps.reduce((sum, step) => sum + (step.action === 'Switchover' ? 0 : step.count), 0);
  const pauses = writePauses === 0 ? 'writes go on' : writePauses === 1 ? 'writes pause once' : `writes pause ${String(writePauses)} times`;
  return `${count === 0 ? 'a switchover' : count === 1 ? '1 restart' : `${String(count)} restarts`}, one after another; ${pauses}`.replace(
    '1 restart, one after another',
    '1 restart',
  );
}

function tables(impact: Impact): readonly string[] {
  const fields = impact.spec.map(({ path, ...values }) => [path, ...sides(values)]);
  const others = [
    ...impact.scale.map(({ component, before, after }) => [`${component} pods`, String(before), String(after)]),
    ...impact.volumes.map(({ component, before, after }) => [`${component} volumes`, before, after]),
    ...impact.tags.map(({ member, before, after }) => [`tags of ${member}`, cell(before), cell(after)]),
  ];
  return [
    table(['SPEC', 'BEFORE', 'AFTER'], fields),
    keyTable('DYNAMIC CONFIGURATION (etcd)', impact.dynamic),
    keyTable('LOCAL FILE', impact.local),
    lines('pg_hba.conf (reload)', impact.hba),
    lines('pg_ident.conf (reload)', impact.ident),
    table(['CLUSTER', 'BEFORE', 'AFTER'], others),
    table(
      ['POD TEMPLATE', 'CHANGES IN'],
      impact.pods.map(({ component, paths }) => [component, paths.join(', ')]),
    ),
    table(
      ['OBJECT', 'CHANGE'],
      impact.objects.map(({ object, change }) => [object, change.toLowerCase()]),
    ),
    impact.reloadsHaproxy ? 'HAProxy loads a new configuration; no connection is dropped.\n' : '',
    impact.droppedSlots.length === 0
      ? ''
      : `Replication slots that are dropped, with the place of whoever reads from them: ${impact.droppedSlots.join(', ')}\n`,
  ];
}

function keyTable(title: string, changes: readonly KeyChange[]): string {
  return table(
    [title, 'BEFORE', 'AFTER', 'TAKES EFFECT'],
    changes.map(({ path, takesEffect, ...values }) => [path, ...sides(values), EFFECT_WORDS[takesEffect]]),
  );
}

const sides = ({ before, after }: Pick<KeyChange, 'before' | 'after'>): readonly string[] => [cell(before), cell(after)];

function lines(title: string, changes: readonly string[]): string {
  return changes.length === 0 ? '' : `${title}\n${changes.map((line) => `  ${line}\n`).join('')}`;
}

function restarts(c: EffectiveCluster, { restarts: { steps, when } }: Impact): string {
  if (steps.length === 0) return '';
  return `Restarts, ${whenText(when, c)}:\n${steps.map((step, i) => `  ${String(i + 1)}. ${stepText(step)}\n`).join('')}`;
}

function pendingNote(waiting: readonly string[]): string {
  return waiting.length === 0 ? '' : `Waiting for a restart already, whatever this changes: ${waiting.join(', ')}\n`;
}
