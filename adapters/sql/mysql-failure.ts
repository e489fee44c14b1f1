import { EngineError } from 'waybill/adapter';
import { notConnected } from 'waybill/peer/basics';
import { noTls, notNow, refused } from './sign-in.ts';
import { SqlFailure, type SqlProblem } from './sql-failure.ts';

/** What the driver throws: what the server refuses has its number and its SQLSTATE. */
export interface ServerError {
  readonly code?: unknown;
  readonly errno?: number;
  readonly sqlState?: string;
  readonly fatal?: boolean;
  readonly sqlMessage?: string;
}

/** By the server's own number. */
const PROBLEMS: Readonly<Record<number, SqlProblem>> = {
  1062: 'duplicate',
  1169: 'duplicate',
  1586: 'duplicate',
  1213: 'deadlock',
  1205: 'deadlock',
  1020: 'deadlock',
  1969: 'timeout',
  1317: 'timeout',
  3024: 'timeout',
  1040: 'busy',
  1053: 'busy',
  1203: 'busy',
  1226: 'busy',
  1290: 'busy',
  1792: 'busy',
  1836: 'busy',
  1021: 'full',
  1041: 'full',
  1114: 'full',
  1044: 'denied',
  1142: 'denied',
  1143: 'denied',
  1227: 'denied',
  1370: 'denied',
  1049: 'unknown',
  1054: 'unknown',
  1146: 'unknown',
  1305: 'unknown',
  1193: 'unknown',
  1064: 'syntax',
  1136: 'syntax',
  1644: 'raised',
  1927: 'lost',
};
/** By the class of the SQLSTATE. */
const CLASSES: Readonly<Record<string, SqlProblem>> = {
  '23': 'constraint',
  '22': 'value',
  '40': 'deadlock',
  '42': 'syntax',
  '45': 'raised',
  '08': 'lost',
};
/** Numbers for which the class would be wrong. */
const VALUES = new Set([1264, 1265, 1292, 1366, 1406, 1411]);

/** Without a server error number, the connection failed; numbers from 2000 are the client's. */
const isOfServer = (errno: number): boolean => errno >= 1_000 && (errno < 2_000 || errno >= 3_000);

/** What the server reports for a statement. */
export function failureOf({ errno = 0, sqlState = '', sqlMessage = '' }: ServerError): SqlFailure {
  if (!isOfServer(errno)) return new SqlFailure('lost');
  const known = VALUES.has(errno) ? 'value' : PROBLEMS[errno];
  const problem = known ?? CLASSES[sqlState.slice(0, 2)] ?? 'error';
  return new SqlFailure(problem, {
    state: `error ${errno}`,
    about: problem === 'duplicate' ? /for key '([^']+)'/.exec(sqlMessage)?.[1] : undefined,
    said: sqlMessage.slice(0, 1_000),
  });
}

const WRONG_PASSWORD =
  'user or password is wrong, or the account is not allowed from here or without TLS';
/** Why a sign-in is refused, by the server's number. */
const REFUSALS: Readonly<Record<number, (database: string) => string>> = {
  1045: () => WRONG_PASSWORD,
  1698: () => WRONG_PASSWORD,
  1044: (database) => `the account may not use the database ${database}`,
  1049: (database) => `there is no database ${database}`,
  1820: () => 'the password has expired',
  1862: () => 'the password has expired',
  3118: () => 'the account is locked',
  4151: () => 'the account is locked',
};
/** What the driver calls them, and the system. */
const SYSTEM: Readonly<Record<string, string>> = {
  ETIMEDOUT: 'ETIMEDOUT',
  PROTOCOL_CONNECTION_LOST: 'ECONNRESET',
};

/** The error to throw if no session could be opened. */
export function connectFailure(error: unknown, place: string, database: string): Error {
  if (error instanceof EngineError) return error;
  if (error instanceof SqlFailure && error.problem !== 'lost') return error;
  const { errno = 0, code } = error as { errno?: number; code?: unknown };
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return noTls(place);
  if (code === 'AUTH_SWITCH_PLUGIN_ERROR') {
    return refused(place, 'it requires an unsupported authentication method');
  }
  const why = REFUSALS[errno]?.(database);
  if (why !== undefined) return refused(place, why);
  if (errno >= 1_000) return notNow(place, `error ${errno}`);
  const known = error instanceof SqlFailure ? 'ECONNRESET' : SYSTEM[String(code)];
  return notConnected(
    known === undefined ? error : Object.assign(new Error(known), { code: known }),
    place,
  );
}
