import { EngineError } from 'waybill/adapter';
import { notConnected } from 'waybill/peer/basics';
import { noTls, notNow, refused } from './sign-in.ts';
import { SqlFailure, type SqlProblem } from './sql-failure.ts';

/** What the server reports: an error token, or what the driver passes on. */
export interface ServerMessage {
  readonly number?: number | undefined;
  readonly message: string;
}

/** By the server's own number; numbers from 50000 are raised by the database's author. */
const PROBLEMS: Readonly<Record<SqlProblem, readonly number[]>> = {
  duplicate: [2601, 2627],
  constraint: [515, 530, 547, 550],
  value: [
    206, 220, 232, 235, 241, 242, 245, 248, 257, 295, 296, 517, 2628, 8114, 8115, 8152, 8169, 9420,
    13609,
    // the result of a valid statement cannot be predicted: occurs only in a dry run
    11512, 11513, 11514, 11515, 11516, 11517, 11518, 11519, 11520, 11521, 11522, 11523, 11524,
    11525, 11526, 11527,
  ],
  deadlock: [1205, 1222, 3960, 3961],
  busy: [
    922, 927, 952, 976, 978, 983, 3906, 6005, 8645, 8651, 10928, 10929, 17142, 40197, 40501, 40613,
    49918, 49919, 49920,
  ],
  full: [701, 802, 1101, 1105, 1204, 5149, 9002, 40544],
  denied: [229, 230, 262, 297, 300, 916, 15247],
  unknown: [195, 207, 208, 911, 1088, 2812, 4104, 4121],
  syntax: [
    102, 105, 109, 110, 128, 137, 141, 156, 170, 201, 213, 319, 334, 1033, 8120, 8144, 8145, 10713,
  ],
  lost: [596],
  raised: [],
  timeout: [],
  error: [],
  refused: [],
};
const KNOWN: ReadonlyMap<number, SqlProblem> = new Map(
  Object.entries(PROBLEMS).flatMap(([problem, numbers]) =>
    numbers.map((number) => [number, problem as SqlProblem] as const),
  ),
);
const FIRST_OF_AUTHOR = 50_000;

/** Schema names in the server's texts; possible values come after them. */
const NAMED = [
  /constraint ['"]([^'"]+)['"]/,
  /unique index '([^']+)'/,
  /column '([^']+)'/,
] as const;

/** By the driver's code, if the server said nothing. */
const OF_DRIVER: Readonly<Record<string, SqlProblem>> = {
  ETIMEOUT: 'timeout',
  ECANCEL: 'timeout',
  EPARAM: 'value',
};

/** What the server, or the driver, reports for a statement. */
export function failureOf(error: unknown): SqlFailure {
  const all = error instanceof AggregateError ? error.errors : [error];
  // there may be several: for a dry run, the error and then that it could not be described
  const messages = all as readonly (ServerMessage & { readonly code?: string })[];
  const one = messages.find(({ number }) => problemOf(number) !== 'error') ?? messages[0];
  if (one?.number === undefined) return new SqlFailure(OF_DRIVER[one?.code ?? ''] ?? 'lost');
  const problem = problemOf(one.number);
  const named = NAMED.map((pattern) => pattern.exec(one.message)?.[1]);
  return new SqlFailure(problem, {
    state: `error ${one.number}`,
    about: SELF_EXPLAINING.has(problem) ? undefined : named.find((name) => name !== undefined),
    said: withoutValues(one.message).slice(0, 1_000),
  });
}

/** For these the server's text says it all. */
const SELF_EXPLAINING: ReadonlySet<SqlProblem> = new Set(['denied', 'unknown', 'syntax', 'raised']);

/** Where the server's texts quote a row's value. */
const VALUES: readonly (readonly [RegExp, string])[] = [
  [/ The duplicate key value is \([^]*\)\.?/, ''],
  [/ Truncated value: '[^]*'\.?/, ''],
  [/ value '[^]*' to /, ' value to '],
  [/ value '[^]*' overflowed /, ' value overflowed '],
];

const withoutValues = (message: string): string =>
  VALUES.reduce((text, [pattern, instead]) => text.replace(pattern, instead), message);

const problemOf = (number = 0): SqlProblem =>
  number >= FIRST_OF_AUTHOR ? 'raised' : (KNOWN.get(number) ?? 'error');

const WRONG_ACCOUNT =
  'user or password is wrong, or the account may not sign in like this. The log of the server says which (error 18456 and its state)';
const EXPIRED = 'the password has expired or must be changed first';
/** Why a sign-in is refused, by the server's number. */
const REFUSALS: Readonly<Record<number, (database: string) => string>> = {
  4060: (database) => `there is no database ${database}, or the account may not use it`,
  4064: () => 'the default database of the account cannot be opened',
  916: (database) => `the account may not use the database ${database}`,
  978: (database) =>
    `the database ${database} is a read-only replica here. Set readOnly: true, or connect to the listener of the availability group`,
  18452: () =>
    'the Windows account belongs to a domain that the server does not trust, or NTLM is not allowed there (extended protection, or Kerberos only)',
  18456: () => WRONG_ACCOUNT,
  18470: () => 'the account is disabled',
  18486: () => 'the account is locked',
  18487: () => EXPIRED,
  18488: () => EXPIRED,
  40615: () => 'the firewall of Azure SQL does not allow this address',
  40914: () => 'the firewall of Azure SQL does not allow this address',
};

/** Numbers that only say that something failed: another one says what. */
const VAGUE: ReadonlySet<number> = new Set([18456]);

interface DriverError {
  readonly code?: unknown;
  readonly message: string;
  readonly cause?: unknown;
}

/** The error to throw if no session could be opened; `said` are the error tokens received meanwhile. */
export function connectFailure(
  error: unknown,
  said: readonly ServerMessage[],
  place: string,
  database: string,
): Error {
  if (error instanceof EngineError) return error;
  if (error instanceof SqlFailure && error.problem !== 'lost') return error;
  return ofServer(said, place, database) ?? ofDriver(error, place);
}

/** By the error tokens: temporary faults first, the least specific last. */
function ofServer(
  said: readonly ServerMessage[],
  place: string,
  database: string,
): Error | undefined {
  const numbers = said.map(({ number = 0 }) => number);
  const later = numbers.find((number) => problemOf(number) === 'busy' && !(number in REFUSALS));
  if (later !== undefined) return notNow(place, `error ${later}`);
  const number = numbers.find((one) => !VAGUE.has(one)) ?? numbers[0];
  if (number === undefined) return undefined;
  const why = REFUSALS[number]?.(database);
  return why === undefined ? notNow(place, `error ${number}`) : refused(place, why);
}

function ofDriver(error: unknown, place: string): Error {
  if (error instanceof SqlFailure) return notConnected(system('ECONNRESET'), place);
  const { code, message, cause } = error as DriverError;
  if (cause instanceof EngineError) return cause;
  switch (code) {
    case 'EENCRYPT':
      return /requires encryption/.test(message)
        ? refused(place, 'it requires TLS. Set security: tls')
        : noTls(place);
    case 'ELOGIN':
      return refused(place, 'it ended the sign-in without giving a reason');
    case 'ETIMEOUT':
      return notConnected(system('ETIMEDOUT'), place);
    default:
      return notConnected(cause instanceof Error ? known(cause) : error, place);
  }
}

const system = (code: string): Error => Object.assign(new Error(code), { code });

/** The driver has its own error for a connection that ended. */
const known = (cause: Error): Error =>
  /hang up|end of message stream|premature close/i.test(cause.message)
    ? system('ECONNRESET')
    : cause;
