import { parsePath } from '../lib/json-path.ts';
import { isTimeZone, wrongCron } from '../lib/maintenance-window.ts';
import { rule, type Rule } from './rule.ts';

/** Rules of `config-fields.ts`, each in CEL where the API server can afford it, and in code. */

export const oneLine = rule<string>({
  code: 'ERR_SPEC_VALUE',
  cel: "!self.contains('\\n') && !self.contains('\\r')",
  message: 'must be one line: write each line as an item of its own',
  holds: (self) => !/[\n\r]/.test(self),
});

export const replaceStandsAlone = rule<{ readonly prepend?: unknown; readonly append?: unknown; readonly replace?: unknown }>({
  code: 'ERR_SPEC_VALUE',
  cel: '!has(self.replace) || (!has(self.prepend) && !has(self.append))',
  message: 'cannot stand beside prepend or append: put those lines into replace',
  field: 'replace',
  holds: ({ prepend, append, replace }) => replace === undefined || (prepend === undefined && append === undefined),
});

interface Slot {
  readonly type: string;
  readonly database?: string;
  readonly plugin?: string;
}

export const logicalSlotIsWhole = rule<Slot>({
  code: 'ERR_SPEC_VALUE',
  cel: "self.type == 'logical' ? has(self.database) && has(self.plugin) : !has(self.database) && !has(self.plugin)",
  message: 'needs database and plugin when its type is logical, and takes neither when it is physical: correct it',
  holds: ({ type, database, plugin }) =>
    type === 'logical' ? database !== undefined && plugin !== undefined : database === undefined && plugin === undefined,
});

export const ignoredSlotSaysWhich = rule<object>({
  code: 'ERR_SPEC_VALUE',
  cel: 'has(self.name) || has(self.type) || has(self.database) || has(self.plugin)',
  message: 'must say which slots are meant: set name, type, database or plugin',
  holds: (self) => Object.keys(self).length > 0,
});

interface Tags {
  readonly ordinal: number;
  readonly nofailover?: boolean;
  readonly failoverPriority?: number;
  readonly nosync?: boolean;
  readonly syncPriority?: number;
}

/** Patroni 4.1 `validator.py` allows one of each pair; at run time `nofailover` would win (`_validate_contradictory_tags`). */
export const tagsOnce = rule<Tags>({
  code: 'ERR_SPEC_VALUE',
  cel: '!(has(self.nofailover) && has(self.failoverPriority)) && !(has(self.nosync) && has(self.syncPriority))',
  message: 'must not say the same twice: keep one of nofailover and failoverPriority, and one of nosync and syncPriority',
  holds: ({ nofailover, failoverPriority, nosync, syncPriority }) => (nofailover === undefined || failoverPriority === undefined) && (nosync === undefined || syncPriority === undefined),
});

export const ordinalsDistinct = rule<readonly { readonly ordinal: number }[]>({
  code: 'ERR_SPEC_VALUE',
  message: 'must name each ordinal once: put all tags of a member into one item',
  holds: (self) => new Set(self.map(({ ordinal }) => ordinal)).size === self.length,
});

/** Keys of a map have no bound in a CRD, so CEL cannot judge them. */
export const keysAre = (what: string, pattern: RegExp): Rule =>
  rule<object>({
    code: 'ERR_SPEC_VALUE',
    message: `has a key that is no name of a ${what}: use lower-case letters, digits and underscores`,
    holds: (self) => Object.keys(self).every((key) => pattern.test(key)),
  });

export const isConfigPath = rule<string>({
  code: 'ERR_SPEC_VALUE',
  message: 'must be a path of keys with dots between them, such as log or postgresql.parameters.huge_pages; a key that holds a dot stands in brackets, such as postgresql.parameters[pg_stat_statements.max]',
  holds: (self) => parsePath(self) !== undefined,
});

export const isCron = rule<string>({
  code: 'ERR_SPEC_VALUE',
  message: 'must be a cron expression of five parts (minute, hour, day of month, month, day of week), such as "0 2 * * 6": correct it',
  holds: (self) => wrongCron(self) === undefined,
});

export const isKnownTimeZone = rule<string>({
  code: 'ERR_SPEC_VALUE',
  message: 'must be the name of a time zone, such as UTC or Europe/Berlin: correct it',
  holds: (self) => isTimeZone(self),
});

export const scheduleFits = rule<{ readonly type: string; readonly schedule?: object }>({
  code: 'ERR_SPEC_VALUE',
  cel: "(self.type == 'Schedule') == has(self.schedule)",
  message: 'belongs to type Schedule, which needs it: set both or neither',
  field: 'schedule',
  holds: ({ type, schedule }) => (type === 'Schedule') === (schedule !== undefined),
});
