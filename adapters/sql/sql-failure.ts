import { DisableError, EngineError, NotConnectedError, TemporaryError } from 'waybill/adapter';

/** What happened to a statement, in one word; in capitals it is the reply code of `sql-out`. */
export type SqlProblem =
  | 'duplicate'
  | 'constraint'
  | 'value'
  | 'deadlock'
  | 'timeout'
  | 'busy'
  | 'full'
  | 'denied'
  | 'unknown'
  | 'syntax'
  | 'raised'
  | 'error'
  /** The connection is lost, and it is unknown whether the statement took effect. */
  | 'lost'
  /** The sign-in was refused. */
  | 'refused';

/** What happened and what to do, without values of rows. */
const TEXTS: Readonly<Record<SqlProblem, readonly [what: string, remedy: string]>> = {
  duplicate: ['a row with that unique key already exists', 'Find out which of the two is right'],
  constraint: [
    'a rule of the table forbids it: a reference, a check, or a column that must not be empty',
    'Correct the message or the statement',
  ],
  value: [
    'a value does not fit its column: wrong type, too long or out of range',
    'Correct the message, or convert the value with an expression',
  ],
  deadlock: ['it conflicted with another transaction', 'It is tried again'],
  timeout: [
    'the statement took longer than timeout and was cancelled on the server',
    'Look for a missing index or a lock that is held, or raise timeout',
  ],
  busy: [
    'the server accepts no work now: it is starting, stopping, a read-only replica, or has too many connections',
    'It is tried again; check the server if this persists',
  ],
  full: ['the disk, memory or quota of the server is used up', 'Free some; it is tried again'],
  denied: [
    'the account is not allowed to do this',
    'Have the permission granted to the account that waybill try shows',
  ],
  unknown: [
    'a table, column or procedure in the statement does not exist',
    'Correct the name, or check whether it is the right database and schema',
  ],
  syntax: ['the server does not understand the statement', 'Correct the statement'],
  raised: ['the database raised an error of its own', 'See what its author says about it'],
  error: ['the server refused the statement', 'Look in its log'],
  lost: ['the connection was lost while the server was working', 'It is tried again'],
  refused: ['the server refused the sign-in', 'Correct user, password and database'],
};

/** Of a statement that would begin or end a transaction. */
export const controlsTransactions = (): SqlFailure =>
  new SqlFailure('syntax', {
    what: 'this statement is not allowed: the service or operation controls transactions',
    remedy: 'Write each statement as a separate entry; they run in one transaction',
  });

interface Detail extends ErrorOptions {
  /** SQLSTATE or the product's own number. */
  readonly state?: string | undefined;
  /** Schema names that the server reports separately from its text: a constraint, a table, a column. */
  readonly about?: string | undefined;
  /** The server's text, which often quotes a value. */
  readonly said?: string | undefined;
  readonly what?: string;
  readonly remedy?: string;
}

/** What a database reported, without values of rows, which its own texts often quote. */
export class SqlFailure extends Error {
  readonly problem: SqlProblem;
  /** What happened; no capital, no full stop. */
  readonly what: string;
  readonly remedy: string;
  /** The server's own text, for the trace, which may contain what a log must not. */
  readonly said: string | undefined;

  constructor(problem: SqlProblem, { state, about, said, what, remedy, ...options }: Detail = {}) {
    const [usual, help] = TEXTS[problem];
    const named = [about, state].filter((one) => one !== undefined && one !== '').join(', ');
    const text = `${what ?? usual}${named === '' ? '' : ` (${named})`}`;
    super(text, options);
    this.name = 'SqlFailure';
    this.problem = problem;
    this.what = text;
    this.remedy = remedy ?? help;
    this.said = said;
  }
}

const AGAIN: ReadonlySet<SqlProblem> = new Set(['deadlock', 'timeout', 'busy', 'full']);

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A failure as the error that tells the engine what to do. */
export function thrown(error: unknown, place: string): Error {
  if (error instanceof EngineError) return error;
  if (!(error instanceof SqlFailure)) return error instanceof Error ? error : new Error('unknown');
  const { problem, what, remedy, said } = error;
  const detail = said === undefined ? {} : { detail: said };
  const text = `${capital(what)} at ${place}. ${remedy}.`;
  if (problem === 'lost')
    return new NotConnectedError(`Not connected: ${what} at ${place}. ${remedy}.`, detail);
  if (AGAIN.has(problem)) return new TemporaryError(text, detail);
  return new DisableError(text, detail);
}
