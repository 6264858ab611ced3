import { pino, stdTimeFunctions, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { OperatorError, toOperatorError } from '../errors.ts';
import { redact, redactText } from './redact.ts';

/** Who speaks: one name per room of `src/`. */
export type LogComponent =
  'main' | 'api' | 'kube' | 'runtime' | 'controllers' | 'patroni' | 'postgres' | 'etcd' | 'pki' | 'telemetry' | 'webhook' | 'cli';

/** What a human sees of the run. `error`: must act; `warn`: recovered, look later; `info`: something was changed; `debug`: why or why not. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Facts of a line, as keys. `error` may hold anything that was thrown: it becomes `errorCode`, `error` (text) and `cause`. */
export interface LogFacts {
  readonly component?: LogComponent;
  readonly error?: unknown;
  readonly [fact: string]: unknown;
}

/** Structured logger: a constant message and facts. Secrets are removed from facts and texts before anything is written. */
export interface Logger {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
  /** A logger that adds `facts` to every line. */
  child(facts: LogFacts): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Where lines go. @default standard output, synchronously */
  readonly stream?: DestinationStream;
}

/** JSON lines with `level`, `time` (RFC 3339) and `message`. No pino transports: they start worker files, which breaks bundling. */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level,
    base: null,
    messageKey: 'message',
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(options.stream === undefined ? pino(settings) : pino(settings, options.stream), {});
}

/** Drops every line; for tests. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

/** `bound` is merged here rather than by pino's children, which would write a key twice when a line or a child says it again. */
function wrap(target: PinoLogger, bound: Record<string, unknown>): Logger {
  // The level is asked first: redaction walks the facts, which a disabled line must not pay for.
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, facts?: LogFacts) => {
    if (target.isLevelEnabled(level)) target[level](facts === undefined ? bound : { ...bound, ...printable(facts) }, redactText(message));
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (facts) => wrap(target, { ...bound, ...printable(facts) }),
  };
}

function printable(facts: LogFacts): Record<string, unknown> {
  const { error, ...others } = facts;
  const shown = redact(others) as Record<string, unknown>;
  return error === undefined ? shown : { ...shown, ...describeError(error) };
}

/** Stack traces only for what is not in the table: for the rest the code says where to look. */
function describeError(thrown: unknown): Record<string, unknown> {
  const error = toOperatorError(thrown);
  const { cause } = error;
  const described: Record<string, unknown> = { errorCode: error.code, error: redactText(error.message) };
  if (error.code === 'ERR_RUNTIME_UNEXPECTED') described['stack'] = redactText((cause instanceof Error ? cause.stack : error.stack) ?? '');
  else if (cause instanceof Error)
    described['cause'] = redactText(cause instanceof OperatorError ? (cause as OperatorError).code : cause.message);
  return described;
}
