import type { EffectiveCluster } from '../api/effective.ts';
import { ANNOTATIONS } from '../api/meta.ts';
import type { RestartPlan } from './impact.ts';
import type { RestartStep } from './impact-restarts.ts';

/** How long writes pause: docs/howto/switchover.md and the e2e test of pending restarts. */
export const PAUSES = { Restart: 'about 2 s', Switchover: '1 to 3 s' } as const;

/** What a step does and costs: `restart PostgreSQL of the leader in place: no writes for about 2 s`. */
export function stepText(step: RestartStep): string {
  const { component, action, who, count, pods } = step;
  const names = pods === undefined ? '' : ` (${pods.join(', ')})`;
  const people = `${who === 'replicas' ? counted(count, 'replica') : `the ${who}`}${names}${count > 1 ? ', one at a time' : ''}`;
  switch (action) {
    case 'Switchover':
      return `switch over from ${people} to a replica: ${costText(step)}`;
    case 'Restart':
      return `restart PostgreSQL of ${people}${who === 'leader' ? ' in place' : ''}: ${costText(step)}`;
    case 'ReplacePod':
      if (component !== 'postgres')
        return `replace ${counted(count, 'pod')} of ${component}${count > 1 ? ', one at a time' : ''}: ${costText(step)}`;
      return `replace the ${count > 1 ? 'pods' : 'pod'} of ${people}: ${costText(step)}`;
  }
}

function costText({ interrupts, action, count }: RestartStep): string {
  const each = count > 1 ? 'each' : 'it';
  switch (interrupts) {
    case 'Writes':
      return action === 'ReplacePod' ? 'no connections until the new pod runs' : `no writes for ${PAUSES[action]}`;
    case 'Reads':
      return `connections to ${each} end`;
    case 'Connections':
      return `connections through ${each} end`;
    case 'None':
      return 'nobody is interrupted';
  }
}

function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** When the steps are taken. Completes "It happens …". */
export function whenText(
  { type, schedule }: RestartPlan['when'],
  { name, namespace }: Pick<EffectiveCluster, 'name' | 'namespace'>,
): string {
  switch (type) {
    case 'Always':
      return 'as soon as the cluster is healthy';
    case 'Schedule':
      return `in the next maintenance window (${schedule === undefined ? 'none' : `${schedule.cron}, ${schedule.timeZone}, ${String(schedule.durationMinutes)} min`})`;
    case 'OnRequest':
      return `on request: kubectl annotate patroni ${name} -n ${namespace} ${ANNOTATIONS.restart}=pending`;
    case 'Never':
      return 'only by hand, since updateStrategy.type is Never';
  }
}
