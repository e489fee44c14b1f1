import { DisableError, NotConnectedError } from 'waybill/adapter';
import type { OdbcDiagnostic } from './odbc-process.ts';
import { notNow, refused } from './sign-in.ts';
import { SqlFailure, type SqlProblem } from './sql-failure.ts';

/** By SQLSTATE: the standard's and those that products have added. */
const STATES: Readonly<Record<string, SqlProblem>> = {
  '23505': 'duplicate',
  '40P01': 'deadlock',
  '55P03': 'deadlock',
  '57014': 'timeout',
  HY008: 'timeout',
  HYT00: 'timeout',
  HYT01: 'lost',
  '25006': 'busy',
  '53300': 'busy',
  '57P01': 'lost',
  '57P02': 'lost',
  '57P03': 'busy',
  '42501': 'denied',
  '42502': 'denied',
  '42P01': 'unknown',
  '42703': 'unknown',
  '42704': 'unknown',
  '42883': 'unknown',
  '42S02': 'unknown',
  '42S12': 'unknown',
  '42S22': 'unknown',
  P0001: 'raised',
};
/** By the class of the SQLSTATE. */
const CLASSES: Readonly<Record<string, SqlProblem>> = {
  '07': 'syntax',
  '08': 'lost',
  '21': 'syntax',
  '22': 'value',
  '23': 'constraint',
  '28': 'refused',
  '37': 'syntax',
  '40': 'deadlock',
  '42': 'syntax',
  '45': 'raised',
  '53': 'full',
};

/** What a driver says in words where its state says less. The numbers are of MySQL, SQL Server, Sybase, Informix and IRIS. */
const DUPLICATES: ReadonlySet<number> = new Set([1062, 2601, 2627, -239, -268, -346, -119, -803]);
const DUPLICATE = /duplicate|unique (?:constraint|index|key)|uniqueness/i;
const CONSTRAINT = /constraint failed|NOT NULL/i;
const DENIED = /denied|permission|privilege|not (?:authorized|authorised)/i;
const UNKNOWN =
  /no such (?:table|column|function)|has no column named|not found|unknown (?:table|column)|does(?: not|n't) exist/i;
const SYNTAX = /syntax error|incomplete input/i;
const LOCKED = /deadlock|database is locked|lock(?:ed)? (?:wait|time)/i;
const GONE =
  /server closed the connection|connection (?:was|has been)? ?(?:lost|reset|closed|terminated)|server has gone away|lost connection|not connected|communication link/i;

/** What a driver reports for a statement. */
export function failureOf(diagnostics: readonly OdbcDiagnostic[], connected: boolean): SqlFailure {
  const one = mostTelling(diagnostics);
  const problem = connected ? problemOf(one) : 'lost';
  const { state, code, message } = one;
  return new SqlFailure(problem, {
    state: [
      state === '' ? undefined : `SQLSTATE ${state}`,
      code === 0 ? undefined : `error ${code}`,
    ]
      .filter((part) => part !== undefined)
      .join(', '),
    said: message.slice(0, 1_000),
  });
}

/** A driver often adds to the server's error that the statement failed. */
const mostTelling = (diagnostics: readonly OdbcDiagnostic[]): OdbcDiagnostic =>
  diagnostics.find((one) => problemOf(one) !== 'error') ??
  diagnostics[0] ?? { state: '', code: 0, message: '' };

function problemOf({ state, code, message }: OdbcDiagnostic): SqlProblem {
  const known = STATES[state];
  if (known !== undefined) return known;
  const kind = CLASSES[state.slice(0, 2)];
  if (kind === 'constraint') {
    return DUPLICATES.has(code) || DUPLICATE.test(message) ? 'duplicate' : kind;
  }
  if (kind === 'syntax') {
    if (DENIED.test(message)) return 'denied';
    return UNKNOWN.test(message) && !SYNTAX.test(message) ? 'unknown' : kind;
  }
  return kind ?? inWords(code, message);
}

/** HY000 says only that there was an error. */
function inWords(code: number, message: string): SqlProblem {
  if (GONE.test(message)) return 'lost';
  if (DUPLICATES.has(code) || DUPLICATE.test(message)) return 'duplicate';
  if (CONSTRAINT.test(message)) return 'constraint';
  if (LOCKED.test(message)) return 'deadlock';
  if (SYNTAX.test(message)) return 'syntax';
  if (UNKNOWN.test(message)) return 'unknown';
  return DENIED.test(message) ? 'denied' : 'error';
}

const WRONG_ACCOUNT =
  /password|log(?:in|on) (?:failed|incorrect)|access denied|authenticat|invalid (?:user|login|account)|not authorized|role .* does not exist/i;
const NO_DATABASE =
  /(?:unknown database|database .*(?:does not exist|not found|cannot open)|cannot open database|invalid namespace)/i;

/** What Node says of the package: its installation could not build it, or its script was not allowed to run. */
const NOT_BUILT =
  /^Cannot find module|invalid ELF header|different Node\.js version|is not a valid Win32/i;

/** Why no session could be opened. `secret` is not shown, should a driver repeat it. */
export function connectFailure(
  diagnostics: readonly OdbcDiagnostic[],
  place: string,
  secret: string | undefined,
): Error {
  const said = withoutSecret(
    [
      ...new Set(diagnostics.map(({ state, message }) => `${state} ${oneLine(message)}`.trim())),
    ].join('; '),
    secret,
  );
  const has = (pattern: RegExp): boolean =>
    diagnostics.some(({ message }) => pattern.test(message));
  const states = new Set(diagnostics.map(({ state }) => state));
  if (states.has('IM002')) {
    return new DisableError(
      `There is no such ODBC data source or driver here (IM002): ${place}. Run odbcinst -q -s and odbcinst -q -d as the account of the engine, add what is missing to odbc.ini or odbcinst.ini, and start the host again.`,
    );
  }
  if (states.has('IM003') || has(/can't open lib|cannot open shared|could not be loaded/i)) {
    return new DisableError(
      `The library of the ODBC driver for ${place} cannot be loaded: ${said}. Install the driver where the production runs, and compare its path in odbcinst.ini; ldd shows a library that it misses.`,
    );
  }
  if (has(NOT_BUILT)) {
    return new DisableError(
      `The package odbc cannot be loaded: its native part was not built here, or for another system. Run npm rebuild odbc where the production runs, with the headers of unixODBC and a compiler, and start the host again.`,
    );
  }
  if (has(NO_DATABASE))
    return refused(place, `there is no such database, or the account may not use it (${said})`);
  if (has(WRONG_ACCOUNT) || [...states].some((state) => state.startsWith('28'))) {
    return refused(
      place,
      `user or password is wrong, or the account may not sign in like this (${said})`,
    );
  }
  if (states.has('53300') || states.has('57P03') || states.has('08004')) return notNow(place, said);
  return new NotConnectedError(
    `Not connected: ${place}: ${said || 'the driver gives no reason'}. Check server and port in the connection string or odbc.ini, and the network.`,
  );
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

const withoutSecret = (text: string, secret: string | undefined): string =>
  secret === undefined || secret.length < 3 ? text : text.replaceAll(secret, '***');
