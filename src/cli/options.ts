import { OperatorError } from '../errors.ts';

/** How a setting is found: the flag, else the environment variable, else the default. An empty variable counts as absent. */
export interface Setting<T> {
  /** As commander has it: `--image-etcd <image>`. */
  readonly flags: string;
  /** Absent where only the flag counts. */
  readonly env?: string;
  readonly describe: string;
  readonly preset: T;
  /** Text of the default in the help; the default itself when absent. */
  readonly presetText?: string;
  readonly parse: (text: string) => T | Unusable;
}

/** Values of flags as commander gives them, by camel-case name. */
export type Flags = Readonly<Record<string, unknown>>;
type Environment = Readonly<Record<string, string | undefined>>;

/** Why a text cannot be the value of a setting, in words that follow the name of the option. */
export class Unusable {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/**
 * The value of a setting.
 * @throws ERR_CLI_OPTION naming the flag or the variable that holds an unusable value
 */
export function settingValue<T>(setting: Setting<T>, flags: Flags, env: Environment): T {
  const flag = flags[flagName(setting)];
  if (typeof flag === 'string') return parsed(setting, flagText(setting), flag);
  const variable = setting.env === undefined ? undefined : env[setting.env]?.trim();
  return variable === undefined || variable === '' ? setting.preset : parsed(setting, setting.env ?? '', variable);
}

function parsed<T>(setting: Setting<T>, option: string, text: string): T {
  const value = setting.parse(text);
  if (value instanceof Unusable) throw new OperatorError('ERR_CLI_OPTION', { option, problem: value.why });
  return value;
}

const flagText = ({ flags }: Pick<Setting<unknown>, 'flags'>): string => /--[a-z-]+/.exec(flags)?.[0] ?? flags;
const flagName = (setting: Pick<Setting<unknown>, 'flags'>): string =>
  flagText(setting)
    .slice(2)
    .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Help text of a setting: what it is, its variable and its default. */
export function settingHelp(setting: Setting<unknown>): string {
  const preset = setting.presetText ?? String(setting.preset);
  const notes = [setting.env ?? '', preset === '' ? '' : `default ${preset}`].filter((note) => note !== '');
  return `${setting.describe} [${notes.join(', ')}]`;
}

export const parseText = (text: string): string => text;

export function parseBoolean(text: string): boolean | Unusable {
  if (text === 'true' || text === 'false') return text === 'true';
  return new Unusable(`must be true or false, not ${text}`);
}

export function parsePort(text: string): number | Unusable {
  const port = Number(text);
  if (/^[0-9]+$/.test(text) && port <= 65535) return port;
  return new Unusable(`must be a port from 0 to 65535 (0 turns it off), not ${text}`);
}

export function parseCount(text: string): number | Unusable {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  return new Unusable(`must be a number from 1 to 9999, not ${text}`);
}

export function parseChoice<C extends string>(choices: readonly C[]): (text: string) => C | Unusable {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    return found ?? new Unusable(`must be one of ${choices.join(', ')}, not ${text}`);
  };
}

/** `a,b` → ['a', 'b']; blanks around and empty items are dropped. */
export function parseList(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

type Pairs = Readonly<Record<string, string>>;

/** `17=IMAGE,16=IMAGE`, or the same as a JSON object of texts. */
export function parsePairs(text: string): Pairs | Unusable {
  if (text.trimStart().startsWith('{')) return parseJsonPairs(text);
  const pairs = parseList(text);
  const wrong = pairs.find((pair) => pair.indexOf('=') < 1);
  if (wrong !== undefined) return new Unusable(`must be a list such as KEY=VALUE,KEY=VALUE, and ${wrong} is not KEY=VALUE`);
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1).trim()]));
}

function parseJsonPairs(text: string): Pairs | Unusable {
  try {
    const object = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (Object.values(object).every((value) => typeof value === 'string')) return object as Pairs;
  } catch {
    // Said below, in the same words.
  }
  return new Unusable('starts with { and is no JSON object of texts');
}
