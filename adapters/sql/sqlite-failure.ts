import { DisableError, NotConnectedError } from 'waybill/adapter';
import { SqlFailure, type SqlProblem } from './sql-failure.ts';

/** By the extended code, or by the lower eight bits of it. */
const PROBLEMS: Readonly<Record<number, SqlProblem>> = {
  3: 'denied',
  5: 'busy',
  6: 'busy',
  7: 'full',
  8: 'denied',
  // the rows that were read have been changed since
  517: 'deadlock',
  13: 'full',
  18: 'value',
  19: 'constraint',
  1555: 'duplicate',
  2067: 'duplicate',
  2579: 'duplicate',
  3091: 'value',
  1811: 'raised',
  20: 'value',
  23: 'denied',
};
const BUSY = 5;

/** Faults that may pass: a share, or a file that is put back. */
const AWAY: ReadonlySet<number> = new Set([10, 14]);
/** Faults of the file itself. */
const FILE: Readonly<Record<number, string>> = {
  10: 'the system cannot read or write the file (disk I/O error)',
  11: 'the file is damaged (database disk image is malformed)',
  14: 'there is no such file, or this process may not open it',
  26: 'the file is not an SQLite database, or it is encrypted',
};

export function failureOf(code: number, message: string, file: string): Error {
  const wrong = FILE[code & 0xff];
  if (wrong !== undefined && AWAY.has(code & 0xff)) {
    return new NotConnectedError(
      `Not connected: ${file}: ${wrong}. Check the path and the permissions of the account that runs the engine.`,
    );
  }
  if (wrong !== undefined) {
    return new DisableError(
      `${file}: ${wrong}. Correct the path or put a good copy back, then start the host again.`,
    );
  }
  const problem = PROBLEMS[code] ?? PROBLEMS[code & 0xff] ?? ofStatement(message);
  return new SqlFailure(problem, {
    state: `SQLite ${code}`,
    about: /constraint failed: ([\w.", ]+)/.exec(message)?.[1],
    said: message.slice(0, 1_000),
    ...((code & 0xff) === BUSY &&
      problem === 'busy' && { what: 'another program has the file locked' }),
  });
}

function ofStatement(message: string): SqlProblem {
  if (/no such (table|column|function|view|index)|has no column named/.test(message)) {
    return 'unknown';
  }
  return /syntax error|incomplete input|unrecognized token|values for \d+ columns/.test(message)
    ? 'syntax'
    : 'error';
}
