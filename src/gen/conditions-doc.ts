import { CONDITION_TYPES, CONDITIONS, type ConditionType, type ReasonRow } from '../api/conditions.ts';
import { table } from './markdown.ts';

const GOOD = { True: 'True is good.', False: 'False is good.', either: 'Neither status is bad.' } as const;

/** `docs/reference/conditions.md`: every condition and reason. */
export function conditionsDoc(): string {
  const sections = (Object.keys(CONDITIONS) as ConditionType[]).map((type) => {
    const { asks, good } = CONDITION_TYPES[type];
    const rows = Object.entries<ReasonRow>(CONDITIONS[type]).map(([reason, { status, means }]) => [`\`${reason}\``, status, means]);
    return `## ${type}\n\n${asks} ${GOOD[good]}\n\n${table(['Reason', 'Status', 'Meaning'], rows)}`;
  });
  return `# Conditions of a PatroniCluster

\`kubectl get patroni NAME -o yaml\` shows them under \`status.conditions\`; \`kubectl wait --for=condition=Ready patroni/NAME\` waits for one.
The reason fixes the status, and programs may rely on type and reason. The message is for people.

\`Ready\`, \`Reconciling\`, \`Stalled\` and \`status.observedGeneration\` follow kstatus, so that Argo CD, Flux and Helm's \`--wait\` understand them. That convention reads
\`Reconciling\` and \`Stalled\` as abnormal when they are True; for every other condition True is good, or says nothing about good and bad.

${sections.join('\n')}`;
}
