import { EngineError } from 'waybill/adapter';
import { notConnected } from 'waybill/peer';
import { noTls, notNow, refused } from './sign-in.ts';
import { SqlFailure, type SqlProblem } from './sql-failure.ts';

export interface ServerError {
  readonly code: string;
  readonly message: string;
  readonly constraint?: string;
  readonly table?: string;
  readonly column?: string;
}

/** By SQLSTATE, or by its class. */
const PROBLEMS: Readonly<Record<string, SqlProblem>> = {
  '23505': 'duplicate',
  '23': 'constraint',
  '22': 'value',
  '40': 'deadlock',
  '55P03': 'deadlock',
  '57014': 'timeout',
  '57P01': 'lost',
  '57P02': 'lost',
  '57P05': 'lost',
  '25P03': 'lost',
  '08': 'lost',
  '57P03': 'busy',
  '25006': 'busy',
  '53300': 'busy',
  '53': 'full',
  '42501': 'denied',
  '42P01': 'unknown',
  '42703': 'unknown',
  '42883': 'unknown',
  '3F000': 'unknown',
  '42804': 'value',
  '0A000': 'busy',
  '42': 'syntax',
  P0001: 'raised',
};

/** What the server reports for a statement. */
export function failureOf({ code, message, constraint, table, column }: ServerError): SqlFailure {
  const problem = PROBLEMS[code] ?? PROBLEMS[code.slice(0, 2)] ?? 'error';
  const named = constraint ?? [table, column].filter((one) => one !== undefined).join('.');
  return new SqlFailure(problem, {
    state: `SQLSTATE ${code}`,
    about: named,
    // not its detail, which quotes whole rows
    said: message.slice(0, 1_000),
  });
}

/** Why a sign-in is refused, by SQLSTATE. */
const REFUSALS: Readonly<Record<string, (database: string) => string>> = {
  '28P01': () => 'user or password is wrong',
  '28000': () =>
    'pg_hba.conf does not allow this account from here, with this method or without TLS',
  '3D000': (database) => `there is no database ${database}`,
  '42501': (database) => `the account may not connect to the database ${database}`,
};

/** The error to throw if no session could be opened. */
export function connectFailure(error: unknown, place: string, database: string): Error {
  if (error instanceof EngineError || error instanceof SqlFailure) return error;
  const { code, message } = error as { code?: unknown; message: string };
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) {
    const why = REFUSALS[code]?.(database);
    return why === undefined ? notNow(place, `SQLSTATE ${code}`) : refused(place, why);
  }
  if (/does not support SSL/i.test(message)) return noTls(place);
  if (/SASL|client password must be a string/i.test(message)) {
    return refused(
      place,
      'it requires a password and none was given, or it requires an unsupported authentication method',
    );
  }
  const known = SYSTEM.find(([pattern]) => pattern.test(message))?.[1];
  return notConnected(
    known === undefined ? error : Object.assign(new Error(known), { code: known }),
    place,
  );
}

/** What the driver reports as text, and the system as a code. */
const SYSTEM: readonly (readonly [RegExp, string])[] = [
  [/timeout expired|due to connection timeout/i, 'ETIMEDOUT'],
  [/^Connection terminated/, 'ECONNRESET'],
];
