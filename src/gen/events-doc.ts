import { EVENTS, type EventRow } from '../api/events.ts';
import { table } from './markdown.ts';

/** `docs/reference/events.md`: every event of a PatroniCluster. */
export function eventsDoc(): string {
  const rows = Object.entries<EventRow>(EVENTS).map(([reason, { type, means }]) => [`\`${reason}\``, type, means]);
  return `# Events of a PatroniCluster

\`kubectl describe patronicluster NAME\` shows them, and \`kubectl get events --field-selector involvedObject.name=NAME\` from every source together. Kubernetes keeps events for an hour;
what lasts is in the [conditions](conditions.md) and the PatroniOperations.

${table(['Reason', 'Type', 'Meaning'], rows)}
An action that failed is a Warning whose reason is one of the [error codes](errors.md).
`;
}
