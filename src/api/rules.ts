import { isDeepStrictEqual } from 'node:util';

import { compareQuantities, parseQuantity } from '../lib/quantity.ts';
import { MAX_CLUSTER_NAME_LENGTH } from './names.ts';
import { bytesPattern, dnsLabelPattern, dnsSubdomainPattern, labelValuePattern, qualifiedNamePattern } from './patterns.ts';
import { matches, rule, type Rule } from './rule.ts';

/** Rules of the schemas that are more than one line, each in CEL and in code. Quantities are guarded: the API server runs every rule even where another has failed. */

const atLeast = (a: string, b: string): boolean => {
  const order = compareQuantities(a, b);
  return order === undefined || order >= 0;
};

/** Root of a PatroniCluster: the name becomes Patroni's scope, names of Services, and a prefix of the longest object name. */
export const clusterName = rule<{ readonly metadata: { readonly name: string } }>({
  code: 'ERR_SPEC_NAME',
  cel: `size(self.metadata.name) <= ${MAX_CLUSTER_NAME_LENGTH} && self.metadata.name.matches('${dnsLabelPattern.source}')`,
  message: `metadata.name must start with a lower-case letter, hold only lower-case letters, digits and dashes, and be at most ${MAX_CLUSTER_NAME_LENGTH} characters: choose another name`,
  field: 'metadata.name',
  holds: ({ metadata }) => metadata.name.length <= MAX_CLUSTER_NAME_LENGTH && dnsLabelPattern.test(metadata.name),
});

export const isBytes = (example: string): Rule =>
  matches(
    'ERR_SPEC_QUANTITY',
    bytesPattern,
    `must be a number of bytes as Kubernetes writes it, such as ${example} (units Ki, Mi, Gi, Ti; not KB, MB, GB)`,
  );

/** Smallest volume: initdb writes 40 MB and the first WAL segments; etcd preallocates 64 MB of WAL. */
const MIN_STORAGE = '128Mi';

export const storageNotTiny = rule<string>({
  code: 'ERR_SPEC_QUANTITY',
  cel: `!isQuantity(self) || quantity(self).compareTo(quantity('${MIN_STORAGE}')) >= 0`,
  message: `must be at least ${MIN_STORAGE}: give it a unit, such as 10Gi`,
  holds: (self) => atLeast(self, MIN_STORAGE),
});

export const neverShrinks = rule<string>({
  code: 'ERR_SPEC_STORAGE_SHRINKS',
  cel: '!isQuantity(self) || !isQuantity(oldSelf) || quantity(self).compareTo(quantity(oldSelf)) >= 0',
  message: 'cannot shrink, since Kubernetes cannot make volumes smaller: set it back or make it larger',
  messageWith: {
    cel: "'cannot shrink, since Kubernetes cannot make volumes smaller: set it back to ' + oldSelf + ' or make it larger'",
    text: (_, old) => `cannot shrink, since Kubernetes cannot make volumes smaller: set it back to ${old} or make it larger`,
  },
  holds: (self, old) => atLeast(self, old),
});

export const sameStorageClass = rule<{ readonly storageClassName?: string }>({
  code: 'ERR_SPEC_IMMUTABLE',
  cel: 'has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)',
  message: 'cannot change after creation, since volumes stay in their class: set it back, or leave it out again if it was left out',
  field: 'storageClassName',
  holds: (self, old) => self.storageClassName === old.storageClassName,
});

const KNOWN_RESOURCES = ['cpu', 'memory', 'ephemeral-storage'];

export const knownResources = rule<Readonly<Record<string, string>>>({
  code: 'ERR_SPEC_RESOURCE_UNKNOWN',
  cel: `self.all(k, k in [${KNOWN_RESOURCES.map((name) => `'${name}'`).join(', ')}] || k.startsWith('hugepages-') || k.contains('/'))`,
  message:
    'knows cpu, memory, ephemeral-storage, hugepages-SIZE, and device names with a slash such as example.com/device: correct the name of the resource',
  holds: (self) => Object.keys(self).every((k) => KNOWN_RESOURCES.includes(k) || k.startsWith('hugepages-') || k.includes('/')),
});

type ResourceList = Readonly<Record<string, string>>;

interface Resources {
  readonly requests?: ResourceList;
  readonly limits?: ResourceList;
}

const withinLimit = (resource: string, cel?: string): Rule =>
  rule<Resources>({
    code: 'ERR_SPEC_REQUEST_ABOVE_LIMIT',
    ...(cel === undefined ? {} : { cel }),
    message: `must not be above the limit of ${resource}: raise limits or lower requests`,
    field: 'requests',
    holds: ({ requests = {}, limits = {} }) =>
      Object.entries(requests).every(([k, amount]) => !isJudged(resource, k) || limits[k] === undefined || atLeast(limits[k], amount)),
  });

const isJudged = (resource: string, key: string): boolean =>
  resource === OTHER_RESOURCES ? !['cpu', 'memory'].includes(key) : key === resource;
const OTHER_RESOURCES = 'the same resource';

/** Amounts may be written as numbers, so CEL knows neither their type nor a bound: each conversion counts as if the text filled the request. */
const celWithinLimit = (resource: string): string => {
  const [request, limit] = [`self.requests['${resource}']`, `self.limits['${resource}']`];
  const areThere = `has(self.requests) && has(self.limits) && '${resource}' in self.requests && '${resource}' in self.limits`;
  const areQuantities = `isQuantity(string(${request})) && isQuantity(string(${limit}))`;
  return `!(${areThere} && ${areQuantities}) || quantity(string(${request})).compareTo(quantity(string(${limit}))) <= 0`;
};

/** One rule per resource, because the API server's cost estimate does not allow one over all of them. */
export const requestsWithinLimits: readonly Rule[] = [
  withinLimit('cpu', celWithinLimit('cpu')),
  withinLimit('memory', celWithinLimit('memory')),
  withinLimit(OTHER_RESOURCES),
];

export const notTooManyEntries = (max: number): Rule =>
  rule<object>({
    code: 'ERR_SPEC_VALUE',
    message: `must have at most ${max} entries: remove some`,
    holds: (self) => Object.keys(self).length <= max,
  });

export const qualifiedKeys = rule<object>({
  code: 'ERR_SPEC_LABEL',
  message:
    'has a key that Kubernetes refuses: a key is a name of at most 63 letters, digits, dashes, dots and underscores, after an optional prefix such as example.com/',
  holds: (self) => Object.keys(self).every((k) => qualifiedNamePattern.test(k)),
});

export const isLabelValue = matches(
  'ERR_SPEC_LABEL',
  labelValuePattern,
  'must be a label value: letters, digits, dashes, dots and underscores, with a letter or digit at both ends',
);

export const isObjectName = matches(
  'ERR_SPEC_VALUE',
  dnsSubdomainPattern,
  'must be the name of a Kubernetes object: lower-case letters, digits, dashes and dots, with a letter or digit at both ends: correct it',
);

/** Names that PostgreSQL reserves (`pg_…`, public, none) or that mean something else in pg_hba.conf. */
const RESERVED_ROLES = ['public', 'none', 'all'];
const RESERVED_DATABASES = ['postgres', 'template0', 'template1', 'all', 'replication', 'sameuser', 'samerole', 'samegroup'];

const celList = (words: readonly string[]): string => `[${words.map((word) => `'${word}'`).join(', ')}]`;

export const notReservedRole = rule<string>({
  code: 'ERR_SPEC_RESERVED_NAME',
  cel: `!self.startsWith('pg_') && !(self in ${celList(RESERVED_ROLES)})`,
  message: `must not start with pg_ or be one of ${RESERVED_ROLES.join(', ')}, which PostgreSQL reserves: choose another name`,
  holds: (self) => !self.startsWith('pg_') && !RESERVED_ROLES.includes(self),
});

export const notReservedDatabase = rule<string>({
  code: 'ERR_SPEC_RESERVED_NAME',
  cel: `!self.startsWith('pg_') && !(self in ${celList(RESERVED_DATABASES)})`,
  message: `must not start with pg_ or be one of ${RESERVED_DATABASES.join(', ')}, which have a meaning in PostgreSQL already: choose another name`,
  holds: (self) => !self.startsWith('pg_') && !RESERVED_DATABASES.includes(self),
});

interface Users {
  readonly superuser: string;
  readonly replication: string;
  readonly rewind: string;
}

/** The user of the REST API is no PostgreSQL role, so it may share a name. */
export const usersDistinct = rule<Users>({
  code: 'ERR_SPEC_USERS_NOT_DISTINCT',
  cel: 'self.superuser != self.replication && self.superuser != self.rewind && self.replication != self.rewind',
  message: 'superuser, replication and rewind must be three different roles: give each its own name',
  holds: ({ superuser, replication, rewind }) => new Set([superuser, replication, rewind]).size === 3,
});

interface SpecWithNames {
  readonly patroni: { readonly users: Users };
  readonly application: { readonly enabled: boolean; readonly owner: string };
}

export const ownerIsNoSystemUser = rule<SpecWithNames>({
  code: 'ERR_SPEC_RESERVED_NAME',
  cel: '!self.application.enabled || !(self.application.owner in [self.patroni.users.superuser, self.patroni.users.replication, self.patroni.users.rewind])',
  message: 'must not be one of the users in spec.patroni.users: give the application a role of its own',
  field: 'application.owner',
  holds: ({ application, patroni: { users } }) =>
    !application.enabled || ![users.superuser, users.replication, users.rewind].includes(application.owner),
});

export const etcdOdd = rule<number>({
  code: 'ERR_SPEC_ETCD_EVEN',
  cel: 'self % 2 == 1',
  message: 'must be odd, since an even number of etcd members survives no more failures than one member less: use 1, 3, 5 or 7',
  holds: (self) => self % 2 === 1,
});

export const portIsFree = rule<number>({
  code: 'ERR_SPEC_PORT_TAKEN',
  cel: 'self != 5432',
  message: 'must not be 5432, where PostgreSQL listens in the same pod: use 8008 or another free port',
  holds: (self) => self !== 5432,
});

export const maxLagNeedsReadOnly = rule<{ readonly enabled: boolean; readonly maxLag?: string }>({
  code: 'ERR_SPEC_MAXLAG_NEEDS_READONLY',
  cel: 'self.enabled || !has(self.maxLag)',
  message: 'has no effect while readOnly.enabled is false: remove maxLag or enable readOnly',
  field: 'maxLag',
  holds: ({ enabled, maxLag }) => enabled || maxLag === undefined,
});

/** Zero would read as "no limit" and be one byte of lag at once: neither is what anybody means. */
export const lagNotZero = rule<string>({
  code: 'ERR_SPEC_QUANTITY',
  cel: "!isQuantity(self) || quantity(self).compareTo(quantity('1')) >= 0",
  message: 'must be at least one byte: leave maxLag out for no limit',
  holds: (self) => (parseQuantity(self) ?? 1) >= 1,
});

export const sameBootstrap = rule<object>({
  code: 'ERR_SPEC_IMMUTABLE',
  cel: 'self == oldSelf',
  message: 'cannot change after creation, since it only says how the cluster came into being: set it back',
  holds: (self, old) => isDeepStrictEqual(self, old),
});

export const sameOperation = rule<object>({
  code: 'ERR_SPEC_IMMUTABLE',
  cel: 'self == oldSelf',
  message: 'cannot change once the operation was asked for: create another PatroniOperation',
  holds: (self, old) => isDeepStrictEqual(self, old),
});

export const switchoverParametersFit = rule<{ readonly type: string; readonly switchover?: object }>({
  code: 'ERR_SPEC_VALUE',
  cel: "self.type == 'Switchover' || !has(self.switchover)",
  message: 'belongs to type Switchover: remove it or change the type',
  field: 'switchover',
  holds: ({ type, switchover }) => type === 'Switchover' || switchover === undefined,
});
