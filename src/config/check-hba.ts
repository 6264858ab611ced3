import type { PatroniClusterSpec } from '../api/patronicluster.ts';
import { found, type Found } from './found.ts';

/** The words of a line as PostgreSQL reads them: blanks part, quotes hold together, `#` ends (hba.c `next_token`). Undefined when a quote is not closed. */
function tokens(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let rest = line.trim();
  while (rest !== '' && !rest.startsWith('#')) {
    const match = /^(?:"(?:[^"]|"")*"|[^\s"#])+/.exec(rest);
    if (match === null) return undefined;
    words.push(match[0]);
    rest = rest.slice(match[0].length).trimStart();
  }
  return words;
}

const TYPES = ['local', 'host', 'hostssl', 'hostnossl', 'hostgssenc', 'hostnogssenc'];
/** Methods of PostgreSQL 14 to 18, without `md5` and `password`, which give passwords away, and `trust`, which asks for none. */
const METHODS = ['reject', 'scram-sha-256', 'gss', 'sspi', 'ident', 'peer', 'ldap', 'radius', 'cert', 'pam', 'bsd', 'oauth'];
const WEAK: Readonly<Record<string, string>> = {
  trust: 'asks for no proof at all',
  password: 'sends the password in the clear',
  md5: 'lets weak password hashes in, and passwords here are stored as scram-sha-256 only',
};

/** Judges the lines of `spec.postgres.hba`: PostgreSQL does not start with a line that it cannot read. */
export function checkHba(hba: PatroniClusterSpec['postgres']['hba']): readonly Found[] {
  if (hba === undefined) return [];
  return (['prepend', 'append', 'replace'] as const).flatMap((where) =>
    (hba[where] ?? []).flatMap((line, i): readonly Found[] => {
      const message = wrongHbaLine(line);
      return message === undefined ? [] : [found('error', 'ERR_SPEC_HBA', `spec.postgres.hba.${where}[${String(i)}]`, message)];
    }),
  );
}

function wrongHbaLine(line: string): string | undefined {
  const words = tokens(line);
  if (words === undefined) return 'has a quote that is not closed: close it';
  const [type = '', ...rest] = words;
  if (words.length === 0) return undefined;
  if (type.startsWith('include')) return 'cannot include files, which nobody watches: write the lines here';
  if (!TYPES.includes(type)) return `must begin with one of ${TYPES.join(', ')}: correct it`;
  const after = rest.slice(2);
  if (type === 'local') return wrongMethod(after[0]);
  const [address, second] = after;
  if (address === undefined) return 'needs a database, a user, an address and a method: complete it';
  const isMask = second !== undefined && /^[0-9a-f.:]+$/i.test(second) && !METHODS.includes(second);
  if (!isAddress(address)) return `has ${address} where an address belongs: write all, samenet, samehost, a host name or a range such as 10.0.0.0/8`;
  return wrongMethod(isMask ? after[2] : second);
}

function isAddress(word: string): boolean {
  if (/^[0-9.]+(\/|$)/.test(word)) {
    const [address = '', length] = word.split('/');
    const parts = address.split('.').map(Number);
    return parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255) && (length === undefined || (/^[0-9]{1,2}$/.test(length) && Number(length) <= 32));
  }
  if (word.includes(':')) return /^[0-9a-f:.]+(\/([0-9]{1,2}|1[01][0-9]|12[0-8]))?$/i.test(word);
  return /^"?[a-z0-9._-]+"?$/i.test(word);
}

function wrongMethod(method: string | undefined): string | undefined {
  if (method === undefined) return 'has no method at its end: add one, such as scram-sha-256';
  const weak = WEAK[method];
  if (weak !== undefined) return `cannot use the method ${method}, which ${weak}: use scram-sha-256 or cert`;
  return METHODS.includes(method) ? undefined : `has ${method} where a method belongs: use scram-sha-256, cert, ldap or reject`;
}

/** Judges the lines of `spec.postgres.ident`. */
export function checkIdent(lines: PatroniClusterSpec['postgres']['ident']): readonly Found[] {
  return (lines ?? []).flatMap((line, i): readonly Found[] => {
    const words = tokens(line);
    if (words !== undefined && (words.length === 3 || words.length === 0)) return [];
    return [found('error', 'ERR_SPEC_HBA', `spec.postgres.ident[${String(i)}]`, 'must have three words: the map, the name outside, the role in the database: correct it')];
  });
}
