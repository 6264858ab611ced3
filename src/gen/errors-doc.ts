import { ERRORS, type ErrorCode } from '../errors.ts';
import { table } from './markdown.ts';

/** What the errors of each room are about, in the order of the page: what users meet first comes first. A test fails when a room is missing. */
const ROOMS: Readonly<Record<string, string>> = {
  SPEC: 'What a manifest may say. They come from `patroni-operator validate`, and from the operator as the condition `SpecValid`.',
  CLI: 'The command line.',
  KUBE: 'Requests to the Kubernetes API.',
  RUNTIME: 'The loop of the operator itself.',
  PATRONI: 'Requests to the REST API of Patroni.',
  POSTGRES: 'Statements sent to PostgreSQL.',
  ETCD: 'Requests to etcd.',
  CLUSTER: 'Reconciling a cluster.',
  WEBHOOK: 'The validating webhook.',
};

const RETRY = { transient: 'tried again with backoff', terminal: 'waits until the object changes' } as const;

/** `docs/reference/errors.md`: every code with its cause and remedy. */
export function errorsDoc(): string {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const rooms = [...new Set([...Object.keys(ROOMS), ...codes.map(roomOf)])].filter((room) => codes.some((code) => roomOf(code) === room));
  const sections = rooms.map((room) => {
    const rows = codes
      .filter((code) => roomOf(code) === room)
      .map((code) => [`\`${code}\``, ERRORS[code].cause, ERRORS[code].remedy, RETRY[ERRORS[code].retry]]);
    return `## ERR_${room}\n\n${ROOMS[room] ?? ''}\n\n${table(['Code', 'Cause', 'Remedy', 'The operator'], rows)}`;
  });
  return `# Errors

Each failure the operator can name has a code, the same in logs (\`errorCode\`), events, conditions and on the command line. Codes are never reused for another meaning;
match the code, not the text.

${sections.join('\n')}`;
}

function roomOf(code: ErrorCode): string {
  return code.split('_')[1] ?? '';
}
