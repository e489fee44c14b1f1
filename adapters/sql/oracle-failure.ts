import { DisableError, EngineError, NotConnectedError } from 'waybill/adapter';
import { notConnected } from 'waybill/peer/basics';
import { notNow, refused } from './sign-in.ts';
import { SqlFailure, type SqlProblem } from './sql-failure.ts';

/** What the driver throws: an error of the server has a number, one of its own a code such as NJS-500. */
interface DriverError {
  readonly errorNum?: number;
  readonly code?: string;
  readonly message?: string;
}

/** By the server's own number; 20000 to 20999 are raised by the database's author. */
const PROBLEMS: Readonly<Record<SqlProblem, readonly number[]>> = {
  duplicate: [1],
  constraint: [1400, 1407, 2290, 2291, 2292, 2293, 2298],
  value: [
    932, 1401, 1426, 1438, 1460, 1461, 1465, 1481, 1722, 1723, 1830, 1839, 1840, 1841, 1843, 1847,
    1848, 1849, 1850, 1851, 1852, 1853, 1858, 1861, 1862, 1867, 1878, 6502, 12899,
  ],
  // also what was overtaken: a snapshot that is too old, a package that was compiled anew
  deadlock: [54, 60, 1555, 4020, 4021, 4061, 4065, 4068, 8177, 30006],
  timeout: [1013],
  busy: [18, 19, 20, 257, 1033, 1034, 1089, 1090, 1456, 12516, 12519, 12520, 12528, 16000, 16456],
  full: [1536, 1650, 1652, 1653, 1654, 1658, 1688, 1691, 4030, 4031, 30036, 60019],
  denied: [1031, 1749, 41900],
  unknown: [903, 904, 942, 1418, 2289, 4042, 4043, 4063, 6575, 6576],
  syntax: [
    900, 905, 906, 907, 909, 911, 913, 917, 918, 920, 921, 922, 923, 928, 933, 936, 938, 939, 947,
    979, 1006, 1008, 1756, 3048, 3049, 6550,
  ],
  lost: [28, 31, 603, 1012, 1092, 2396, 3113, 3114, 3135, 12153, 12537, 12547, 12570, 12571, 12583],
  raised: [],
  error: [],
  refused: [],
};
const KNOWN: ReadonlyMap<number, SqlProblem> = new Map(
  Object.entries(PROBLEMS).flatMap(([problem, numbers]) =>
    numbers.map((number) => [number, problem as SqlProblem] as const),
  ),
);

const isRaised = (number: number): boolean => number >= 20_000 && number < 21_000;

function problemOf(number: number, message: string): SqlProblem {
  if (isRaised(number)) return 'raised';
  // a block that names what is not there does not compile
  if (number === 6550 && /PLS-0020[13]|ORA-00942|ORA-00904/.test(message)) return 'unknown';
  return KNOWN.get(number) ?? 'error';
}

/** `unique constraint (LAB.RESULT_PK) violated`, `cannot insert NULL into ("LAB"."RESULT"."N")` */
const NAMED = /\((?:"?\w+"?\.)?("?[\w$#]+"?(?:\."?[\w$#]+"?)?)\)/;

/** What the server, or the driver, reports for a statement. */
export function failureOf(error: unknown): SqlFailure {
  const { errorNum = 0, message = '' } = error as DriverError;
  if (errorNum === 0) return withoutNumber(error as DriverError);
  const problem = problemOf(errorNum, message);
  const isNamed = problem === 'duplicate' || problem === 'constraint';
  return new SqlFailure(problem, {
    state: oracleNumber(errorNum),
    about: isNamed ? NAMED.exec(message)?.[1]?.replaceAll('"', '') : undefined,
    // from 23ai on further lines quote the row
    said: firstLine(message),
  });
}

/** An error of the driver: a call that took too long, a value that it cannot send, or a connection that is gone. */
function withoutNumber({ code = '', message = '' }: DriverError): SqlFailure {
  if (code === 'NJS-123') return new SqlFailure('timeout');
  if (LOST.has(code) || !code.startsWith('NJS-')) return new SqlFailure('lost');
  return new SqlFailure('value', { state: code, said: firstLine(message) });
}

/** Errors of the driver that end a connection. */
const LOST: ReadonlySet<string> = new Set(['NJS-003', 'NJS-500', 'NJS-501', 'NJS-503', 'NJS-521']);

const firstLine = (message: string): string => (message.split('\n')[0] ?? '').slice(0, 1_000);

const oracleNumber = (number: number): string => `ORA-${String(number).padStart(5, '0')}`;

/** Why a sign-in is refused, by the server's number or the driver's code. */
const REFUSALS: Readonly<Record<string, (service: string) => string>> = {
  'ORA-01005': () => 'the password is empty',
  'ORA-01017': () => 'user or password is wrong',
  'ORA-01035': () => 'the database is open for administrators only (restricted session)',
  'ORA-01045': () => 'the account lacks the right CREATE SESSION',
  'ORA-28000': () => 'the account is locked. ALTER USER … ACCOUNT UNLOCK there',
  'ORA-28001': () => 'the password has expired. Set a new one there',
  'ORA-28040': () => 'the server allows no form of sign-in that this driver has',
  'ORA-12505': (service) =>
    `the listener knows no SID ${service}. lsnrctl status shows what it knows`,
  'ORA-12514': (service) =>
    `the listener knows no service ${service}. lsnrctl status shows what it knows`,
  'NJS-116': () =>
    'it keeps the password only in the 10G form of before 2007. Have the password set anew there',
  'NJS-138': () => 'it is older than Oracle 12.1, which this driver does not support',
  'NJS-519': (service) =>
    `the listener knows no SID ${service}. lsnrctl status shows what it knows`,
  'NJS-518': (service) =>
    `the listener knows no service ${service}. lsnrctl status shows what it knows`,
  'NJS-533': () =>
    'it requires native network encryption (SQLNET.ENCRYPTION_SERVER), which this driver does not have. Have TCPS set up instead, or REQUESTED there',
};

/** The error to throw if no session could be opened. */
export function connectFailure(error: unknown, place: string, service: string): Error {
  if (error instanceof EngineError) return error;
  if (error instanceof SqlFailure && error.problem !== 'lost') return error;
  const number = numberOf(error as DriverError);
  const named = nameOf(error as DriverError, number);
  const why = REFUSALS[named]?.(service);
  if (why !== undefined) return refused(place, `${why} (${named})`);
  if (number !== 0 && problemOf(number, '') !== 'lost') return notNow(place, named);
  return ofDriver(error, place);
}

/** Of what the listener says the driver makes an error of its own, with the number in its text. */
const numberOf = ({ errorNum = 0, message = '' }: DriverError): number =>
  errorNum === 0 ? Number(/\bORA-(\d{5})/.exec(message)?.[1] ?? 0) : errorNum;

const nameOf = ({ code = '' }: DriverError, number: number): string =>
  code.startsWith('NJS-') && code in REFUSALS ? code : oracleNumber(number);

function ofDriver(error: unknown, place: string): Error {
  const { code = '', message = '' } = error as DriverError;
  if (error instanceof SqlFailure || LOST.has(code)) return notConnected(CUT, place);
  return code.startsWith('NJS-')
    ? new NotConnectedError(`Not connected: ${place}: ${firstLine(message)}.`)
    : notConnected(error, place);
}

const CUT = Object.assign(new Error('ECONNRESET'), { code: 'ECONNRESET' });

/** A Windows account or certificate alone. */
export const needsPassword = (place: string): DisableError =>
  new DisableError(
    `Oracle at ${place} is signed in to by user and password, or by a token. Name such a credential.`,
  );
