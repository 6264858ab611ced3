import { Cron } from 'croner';

/** A window that opens when the cron expression says so, in its time zone. */
export interface MaintenanceWindow {
  /** Minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name, such as Europe/Berlin. */
  readonly timeZone: string;
  readonly durationMinutes: number;
}

export interface WindowState {
  readonly isOpen: boolean;
  /** When the next window opens (ms since the epoch); absent when none ever will. */
  readonly opensAtMs?: number;
}

/** Whether the window is open at `nowMs`, and when it opens next. Daylight saving is that of the time zone. Closed for ever when the expression or the zone is wrong. */
export function windowState({ cron, timeZone, durationMinutes }: MaintenanceWindow, nowMs: number): WindowState {
  if (wrongCron(cron) !== undefined || !isTimeZone(timeZone)) return { isOpen: false };
  const clock = new Cron(cron, { timezone: timeZone });
  // The search for earlier runs excludes the moment itself, which belongs to the window.
  const opened = clock.previousRuns(1, new Date(nowMs + 1000))[0]?.getTime();
  const opens = clock.nextRun(new Date(nowMs))?.getTime();
  const isOpen = opened !== undefined && opened <= nowMs && nowMs < opened + durationMinutes * 60_000;
  return { isOpen, ...(opens === undefined ? {} : { opensAtMs: opens }) };
}

/** What is wrong with a cron expression, in the words of its parser; undefined when it can be read. */
export function wrongCron(cron: string): string | undefined {
  if (cron.trim().split(/\s+/).length !== 5) return 'it must have five parts: minute, hour, day of month, month, day of week';
  try {
    new Cron(cron);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^\w+: /, '') : 'it cannot be read';
  }
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
