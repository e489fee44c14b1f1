import { type Logger, type LoggerOptions, pino } from 'pino';
import { describeError } from '../error/engine-error.ts';

export type { Logger } from 'pino';

/**
 * The root logger: JSON lines on the given stream (stderr by default). Errors are written by
 * `describeError`, so that no parser's text, which may quote a body, gets into a log.
 */
export function rootLogger(
  level: LoggerOptions['level'] & string,
  destination: { write(line: string): void } = process.stderr,
): Logger {
  return pino(
    {
      level,
      base: {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: loggedError },
    },
    destination,
  );
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
