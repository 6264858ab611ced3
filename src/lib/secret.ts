import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** A value that must not be seen: prints `[redacted]` as text, as JSON and in util.inspect. `reveal()` is the only way to it. */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. Call it where it is sent or written, not before. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
