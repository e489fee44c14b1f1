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
      serializers: { err: describeError },
    },
    destination,
  );
}

export const silentLogger: Logger = pino({ level: 'silent' });
