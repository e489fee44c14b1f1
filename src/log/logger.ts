import { type Logger, type LoggerOptions, pino } from 'pino';
import { describeError } from '../error/engine-error.ts';

export type { Logger } from 'pino';

const WARN = pino.levels.values['warn'] ?? 40;

/** A named event as it is logged. */
export interface LoggedEvent {
  readonly event: string;
  /** `''` if it is of no host. */
  readonly host: string;
}

/**
 * The root logger: JSON lines on the given stream (stderr by default). Errors are written by
 * `describeError`, so that no parser's text, which may quote a body, gets into a log. `onTrouble` is
 * called with each named event that is a warning or an error, whatever the level.
 */
export function rootLogger(
  level: LoggerOptions['level'] & string,
  destination: { write(line: string): void } = process.stderr,
  onTrouble?: (event: LoggedEvent) => void,
): Logger {
  const least = pino.levels.values[level] ?? Number.POSITIVE_INFINITY;
  return pino(
    {
      // pino does not even call what is below its level
      level: onTrouble !== undefined && least > WARN ? 'warn' : level,
      base: {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: loggedError },
      hooks: {
        logMethod(args, method, weight) {
          const event = weight >= WARN ? eventOf(args[0]) : undefined;
          if (event !== undefined) onTrouble?.(event);
          if (onTrouble === undefined || weight >= least) method.apply(this, args);
        },
      },
    },
    destination,
  );
}

function eventOf(logged: unknown): LoggedEvent | undefined {
  if (typeof logged !== 'object' || logged === null || !('event' in logged)) return undefined;
  const host = 'host' in logged ? String(logged.host) : '';
  return { event: String(logged.event), host };
}

/** System errors name the file, and a file may be named after a patient. */
function loggedError(error: unknown): ReturnType<typeof describeError> {
  const described = describeError(error);
  if (!(error instanceof Error) || !('syscall' in error)) return described;
  return { ...described, text: described.text.replace(/ '.*'$/s, ' (a file)') };
}

export const silentLogger: Logger = pino({ level: 'silent' });

/** One logger per host, whose level may be changed while it runs. */
export interface HostLogs {
  of(host: string): Logger;
  /** Undefined restores the program's level. */
  setLevel(host: string, level: string | undefined): void;
}

export function hostLogs(log: Logger): HostLogs {
  const loggers = new Map<string, Logger>();
  const of = (host: string): Logger => {
    let logger = loggers.get(host);
    if (logger === undefined) {
      logger = log.child({ host });
      loggers.set(host, logger);
    }
    return logger;
  };
  return {
    of,
    setLevel(host, level) {
      of(host).level = level ?? log.level;
    },
  };
}
