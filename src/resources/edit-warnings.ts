import { effectiveCluster, type OperatorConfig } from '../api/effective.ts';
import type { PatroniClusterObject } from '../api/objects.ts';
import { problemText } from '../api/problem.ts';
import { checkConfig } from '../config/check.ts';
import { shorten } from '../lib/shorten.ts';
import { type Impact, impactOf, type RestartPlan } from './impact.ts';
import { isEqual } from './impact-difference.ts';
import type { RestartStep } from './impact-restarts.ts';
import { PAUSES } from './impact-words.ts';

/** The API server cuts longer warnings off, and kubectl shows them on one line. */
const MOST_CHARACTERS = 255;
const MOST_NAMES = 100;

const short = (text: string): string => shorten(text, MOST_CHARACTERS);

/**
 * What whoever edits a PatroniCluster should know before it happens: what the edit interrupts, and what the validator finds odd. Sentences of at most 255 characters; none for an edit
 * that interrupts nobody, and none when the spec is as it was. `old` is absent on creation. Both have been parsed. Pure.
 */
export function editWarnings(
  old: PatroniClusterObject | undefined,
  next: PatroniClusterObject,
  operator: OperatorConfig,
): readonly string[] {
  if (old !== undefined && isEqual(old.spec, next.spec)) return [];
  const pinned = (old ?? next).status?.versions?.images ?? {};
  const after = effectiveCluster(next, operator, pinned);
  const findings = checkConfig(after).warnings.map(problemText);
  if (old === undefined) return findings.map(short);
  const impact = impactOf(effectiveCluster(old, operator, pinned), after, { leader: old.status?.leader });
  return [...interruptions(impact), ...findings].map(short);
}

function interruptions(impact: Impact): readonly string[] {
  const { pods, scale, droppedSlots, restarts } = impact;
  return [
    ...pods.flatMap(({ component, paths }) => podSentence(component, paths, restarts)),
    ...settingsSentence(restarts),
    ...scale.filter(({ before, after }) => after < before).map(({ component, after }) => removalSentence(component, after)),
    ...(droppedSlots.length === 0
      ? []
      : [
          `drops the replication ${droppedSlots.length === 1 ? 'slot' : 'slots'} ${listed(droppedSlots)}: whoever reads from it loses the place it had`,
        ]),
  ];
}

function podSentence(component: Impact['pods'][number]['component'], paths: readonly string[], plan: RestartPlan): readonly string[] {
  const what = `replaces the pods of ${component} one at a time for ${listed(paths.map((path) => path.replace(/^spec\./, '')))}`;
  switch (component) {
    // etcd keeps its quorum meanwhile, and Patroni its leader.
    case 'etcd':
      return [];
    case 'haproxy':
      return [`${what}${when(plan)}: connections through each of them end`];
    case 'postgres':
      return [
        plan.steps.some((step) => step.action === 'Switchover')
          ? `${what}${when(plan)}: replicas first, then a switchover (${PAUSES.Switchover} without writes)`
          : `${what}${when(plan)}: no connections until the new pod runs`,
      ];
  }
}

function settingsSentence(plan: RestartPlan): readonly string[] {
  const steps = plan.steps.filter(({ component }) => component === 'postgres');
  if (plan.settings.length === 0 || steps.length === 0) return [];
  const names = listed(plan.settings.map(({ name }) => name));
  const restarts = steps.filter(({ action }) => action === 'Restart');
  // New pods start with the new values.
  if (restarts.length === 0 && steps.some(({ action }) => action === 'ReplacePod')) return [];
  const who = steps.some(({ who: whom }) => whom === 'replicas') ? 'on every member' : 'on the only member';
  return [`restarts PostgreSQL ${who} for ${names}${when(plan)}: ${order(steps.filter(({ action }) => action !== 'ReplacePod'))}`];
}

function order(steps: readonly RestartStep[]): string {
  const seen: string[] = [];
  for (const [i, { action, who }] of steps.entries()) {
    const isLast = i > 0 && i === steps.length - 1 ? ' last' : '';
    if (action === 'Switchover') seen.push(`a switchover (${PAUSES.Switchover} without writes)`);
    else if (who === 'leader') seen.push(`the leader${isLast} in place (${PAUSES.Restart} without writes)`);
    else seen.push(i === 0 ? 'replicas first' : seen.includes('replicas first') ? 'the replicas once more' : 'then the replicas');
  }
  return seen.join(', ');
}

function when({ when: { type } }: RestartPlan): string {
  return { Always: '', Schedule: ' in the next maintenance window', OnRequest: ' on request', Never: ' once it is done by hand' }[type];
}

function removalSentence(component: Impact['scale'][number]['component'], after: number): string {
  if (component === 'haproxy')
    return after === 0
      ? 'removes HAProxy and its Services: connections through it end'
      : `leaves ${String(after)} of the HAProxy pods: connections through the others end`;
  return `leaves ${String(after)} of the PostgreSQL members: connections to the others end, after a switchover if one of them leads`;
}

/** As many as fit, and how many more there are. */
function listed(names: readonly string[]): string {
  let shown = 0;
  while (shown < names.length && names.slice(0, shown + 1).join(', ').length <= MOST_NAMES) shown += 1;
  const rest = names.length - shown;
  if (shown === 0) return `${names[0]?.slice(0, MOST_NAMES) ?? ''}…`;
  return `${names.slice(0, shown).join(', ')}${rest === 0 ? '' : ` and ${String(rest)} more`}`;
}
