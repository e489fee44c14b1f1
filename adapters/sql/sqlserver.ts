import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import {
  Connection,
  type ConnectionAuthentication,
  type ConnectionConfiguration,
  ISOLATION_LEVEL,
  Request,
} from 'tedious';
import type { ColumnMetadata } from 'tedious/lib/token/colmetadata-token-parser.js';
import { NotConnectedError, type setting, toldElsewhere } from 'waybill/adapter';
import { dial, notConnected, placeOf } from 'waybill/peer/basics';
import type { Cell, Limit, Prepared, Product, Result, SqlSession, SqlSignIn } from './database.ts';
import { KeptRows } from './kept-rows.ts';
import { LiveSession } from './live-session.ts';
import { encryptionOf, passwordOf, refused, userOf } from './sign-in.ts';
import { SqlFailure } from './sql-failure.ts';
import { connectFailure, failureOf, type ServerMessage } from './sqlserver-failure.ts';
import {
  agreeToTls,
  driverTls,
  handshakeInside,
  proven,
  strictly,
  TDS_8,
} from './sqlserver-tls.ts';
import {
  cellOf,
  columnOf,
  type DriverValue,
  given,
  placeholder,
  readExactly,
} from './sqlserver-value.ts';

export const sqlserver: Product = {
  connect: connectSqlserver,
  find: async ({ connect, instance }, signal) =>
    connect === undefined || instance === undefined
      ? connect
      : await findInstance(connect, instance, signal),
  placeholder,
  // a string takes the type of the column that it is compared with, without loss
  keyPlaceholder: placeholder,
  keyValue(text, kind) {
    if (kind === 'whole') return BigInt(text);
    if (kind === 'float') return Number(text);
    return kind === 'binary' ? Buffer.from(text, 'base64') : text;
  },
  quote: (identifier) => `[${identifier.replaceAll(']', ']]')}]`,
  page: (query, order, rows) =>
    `${query} ORDER BY ${order} OFFSET 0 ROWS FETCH NEXT ${rows} ROWS ONLY`,
  // each statement of a procedure would be committed by itself
  isAtomic: (statement) => /^\s*(insert|update|delete|merge|select|with)\b/i.test(statement),
  agreeToTls,
  tlsInside: handshakeInside,
  alpn: TDS_8,
  dry: (statement) =>
    /^\s*(select|insert|update|delete|merge|with|exec|execute|declare|begin)\b/i.test(statement)
      ? `EXEC sp_describe_first_result_set N'${ended(statement).replaceAll("'", "''")}'`
      : undefined,
};

/** Only MERGE requires the semicolon that any statement may have. */
const ended = (statement: string): string =>
  /\bmerge\b/i.test(statement) ? `${statement};` : statement;

/** Limits the rows of a query; for other statements the option would mean something else. */
const isPlainQuery = (statement: string): boolean =>
  /^\s*(select|with)\b/i.test(statement) &&
  !/\b(into|insert|update|delete|merge)\b|\bfor\s+(json|xml)\b/i.test(statement);

/** In effect only inside `sp_executesql`. */
const limited = (text: string, rows: number): string =>
  isPlainQuery(text) ? `SET ROWCOUNT ${rows + 1};\n${text}` : ended(text);

const WHO =
  "SELECT SUSER_SNAME(), ORIGINAL_LOGIN(), USER_NAME(), DB_NAME(), CONVERT(nvarchar(40), SERVERPROPERTY('ProductVersion')), CONVERT(int, SERVERPROPERTY('EngineEdition')), CONVERT(nvarchar(40), CONNECTIONPROPERTY('auth_scheme'))";

/** Internals of the driver, which its types do not declare. */
interface Inner {
  readonly socket?: Socket;
  readonly inTransaction: boolean;
  readonly routingData?: { readonly server: string };
  readonly messageIo: { readonly securePair?: { readonly cleartext: TLSSocket } };
  performTlsNegotiation(answer: unknown, signal: AbortSignal): Promise<void>;
  wrapWithTls(socket: Socket, signal: AbortSignal): Promise<TLSSocket>;
}

const inner = (connection: Connection): Inner => connection as unknown as Inner;

async function connectSqlserver(signIn: SqlSignIn): Promise<SqlSession> {
  const { settings, address, signal } = signIn;
  const place = placeOf(address);
  await readExactly();
  const connection = new Connection(configuration(signIn));
  prove(connection, signIn);
  const said: ServerMessage[] = [];
  connection.on('errorMessage', (message) => said.push(message));
  const session = new SqlserverSession(connection, signIn);
  const give = (): void => session.destroy();
  signal.addEventListener('abort', give, { once: true });
  try {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      connection.connect((error) => (error === undefined ? resolve() : reject(error)));
    });
    await session.prepare();
    connection.removeAllListeners('errorMessage');
    return session;
  } catch (error) {
    session.destroy();
    signal.throwIfAborted();
    throw connectFailure(error, said, place, settings.database);
  } finally {
    signal.removeEventListener('abort', give);
  }
}

const MOST_MILLISECONDS = 2 ** 31 - 1;
/** How long the server may take to cancel. */
const CANCELLED_WITHIN = 5_000;

const milliseconds = (duration: number): number =>
  Math.min(MOST_MILLISECONDS, Math.max(1, Math.round(duration)));

function configuration(signIn: SqlSignIn): ConnectionConfiguration {
  const { settings, address, tls, signal } = signIn;
  const { security, connectTimeout, application, database, readOnly } = settings;
  return {
    server: address.host,
    authentication: authenticationOf(signIn),
    options: {
      port: address.port,
      database,
      appName: application,
      readOnlyIntent: readOnly,
      encrypt: security === 'strict' ? 'strict' : tls !== undefined,
      cryptoCredentialsDetails: tls === undefined ? {} : driverTls(tls),
      // `prove` checks whether it is the right server
      trustServerCertificate: true,
      ...(settings.tls?.serverName !== undefined && { serverName: settings.tls.serverName }),
      connectTimeout: milliseconds(connectTimeout),
      // the host decides whether and when to try again
      maxRetriesOnTransientErrors: 0,
      requestTimeout: milliseconds(settings.timeout),
      cancelTimeout: CANCELLED_WITHIN,
      connector: dialled(signIn, signal),
    },
  };
}

/** The driver says where to: an availability group may have redirected us. */
function dialled({ settings }: SqlSignIn, signal: AbortSignal): () => Promise<Socket> {
  const connector = async (to: { host: string; port: number }): Promise<Socket> =>
    await dial(
      { credential: () => Promise.reject(new Error('unencrypted so far')) },
      { address: to, timeout: milliseconds(settings.connectTimeout) },
      signal,
    );
  return connector as unknown as () => Promise<Socket>;
}

function authenticationOf(signIn: SqlSignIn): ConnectionAuthentication {
  const { credential, token, address } = signIn;
  if (token !== undefined) {
    return { type: 'azure-active-directory-access-token', options: { token } };
  }
  if (credential?.kind === 'ntlm') {
    const { user, password } = credential;
    const [, before, name = user] = /^([^\\]+)\\(.+)$/.exec(user) ?? [];
    const domain = credential.domain ?? before;
    if (domain !== undefined)
      return { type: 'ntlm', options: { domain, userName: name, password } };
    throw refused(placeOf(address), 'the credential has no domain, which a Windows account needs');
  }
  const password = passwordOf(signIn);
  return {
    type: 'default',
    options: { userName: userOf(signIn), ...(password !== undefined && { password }) },
  };
}

/** Verifies the server, like every adapter, before a password is sent. */
function prove(connection: Connection, signIn: SqlSignIn): void {
  const { tls, address, signal } = signIn;
  if (tls === undefined) return;
  const driver = inner(connection);
  const optionsNow = async (): Promise<ConnectionOptions> => {
    const host = driver.routingData?.server ?? address.host;
    return host === address.host ? tls : await signIn.tlsFor(host);
  };
  const usual = driver.performTlsNegotiation.bind(connection);
  driver.performTlsNegotiation = async (answer, until) => {
    await usual(answer, until);
    const secure = driver.messageIo.securePair?.cleartext;
    if (secure !== undefined) proven(secure, await optionsNow(), placeOf(address));
  };
  driver.wrapWithTls = async (socket, until) =>
    await strictly(socket, await optionsNow(), placeOf(address), AbortSignal.any([signal, until]));
}

class SqlserverSession extends LiveSession implements SqlSession {
  readonly #connection: Connection;
  readonly #signIn: SqlSignIn;
  #working: Promise<unknown> = Promise.resolve();

  constructor(connection: Connection, signIn: SqlSignIn) {
    super();
    this.#connection = connection;
    this.#signIn = signIn;
    // pending work is told too
    connection.on('error', () => this.destroy());
    connection.on('end', () => this.end());
  }

  async prepare(): Promise<void> {
    const { rows } = await this.run({ text: WHO, values: [] }, { rows: 1, bytes: 10_000 });
    const [login, original, user, database, version, edition, scheme] = rows[0] ?? [];
    this.known = {
      server: serverOf(String(version), Number(edition)),
      identity: identityOf({ login, original, user, scheme }),
      database: String(database),
      encryption: this.#encryption(),
    };
  }

  run(statement: Prepared, limit: Limit): Promise<Result> {
    const { text, parameters } = given(statement);
    const kept = new KeptRows(limit);
    return this.#carryOut(limited(text, limit.rows), (request) => {
      for (const { name, type, value, ...length } of parameters) {
        request.addParameter(name, type, value, length);
      }
      request.on('columnMetadata', (columns) =>
        kept.begin((columns as ColumnMetadata[]).map(columnOf)),
      );
      request.on('row', (columns: readonly { readonly value: DriverValue }[]) => {
        if (!kept.isWanted) return;
        kept.add(columns.map(({ value }, index) => cellOf(value, kept.columns[index]?.kind)));
      });
    }).then((count) => kept.result(count));
  }

  async begin(): Promise<void> {
    await this.#transact((done) =>
      this.#connection.beginTransaction(done, '', ISOLATION_LEVEL['REPEATABLE_READ']),
    );
  }

  async commit(): Promise<void> {
    await this.#transact((done) => this.#connection.commitTransaction(done));
  }

  async rollback(): Promise<void> {
    // many errors have already rolled back
    if (!inner(this.#connection).inTransaction) return;
    await this.#transact((done) => this.#connection.rollbackTransaction(done));
  }

  async cancel(): Promise<void> {
    // an attention, which is sent over this connection and answered there
    this.#connection.cancel();
    await this.#working.catch(toldElsewhere);
  }

  close(): Promise<void> {
    this.endsAsWanted();
    this.destroy();
    return Promise.resolve();
  }

  destroy(): void {
    this.end();
    this.#connection.close();
  }

  #encryption(): string {
    const { messageIo, socket } = inner(this.#connection);
    const protocol = encryptionOf(messageIo.securePair?.cleartext ?? socket);
    const isUnproven = this.#signIn.settings.security === 'unproven';
    return isUnproven ? `${protocol}, the server is not proven` : protocol;
  }

  /** Gives how many rows were changed and given. */
  #carryOut(text: string, fill: (request: Request) => void): Promise<number> {
    return this.#whileThere((resolve, reject) => {
      const request = new Request(text, (error, count) => {
        if (error === null || error === undefined) resolve(count ?? 0);
        else reject(error);
      });
      fill(request);
      this.#connection.execSql(request);
    });
  }

  #transact(work: (done: (error?: Error | null) => void) => void): Promise<void> {
    return this.#whileThere((resolve, reject) => {
      work((error) => (error === null || error === undefined ? resolve() : reject(error)));
    });
  }

  async #whileThere<Value>(
    work: (resolve: (value: Value) => void, reject: (error: Error) => void) => void,
  ): Promise<Value> {
    if (!this.alive) throw new SqlFailure('lost');
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    this.#working = promise;
    try {
      work(resolve, reject);
      return await promise;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.problem === 'lost') this.destroy();
      throw failure;
    }
  }
}

/** By the first number of the version. */
const YEARS: Readonly<Record<string, string>> = {
  '11': '2012',
  '12': '2014',
  '13': '2016',
  '14': '2017',
  '15': '2019',
  '16': '2022',
  '17': '2025',
};
const AZURE = new Set([5, 6, 8, 9, 11]);

function serverOf(version: string, edition: number): string {
  if (AZURE.has(edition)) return `Azure SQL ${version}`;
  const year = YEARS[version.split('.', 1)[0] ?? ''];
  return year === undefined ? `SQL Server ${version}` : `SQL Server ${year} (${version})`;
}

/** `LAB\svc-waybill (user dbo, NTLM)` */
function identityOf({
  login,
  original,
  user,
  scheme,
}: Readonly<Record<'login' | 'original' | 'user' | 'scheme', Cell | undefined>>): string {
  const more = [
    original === login ? undefined : `signed in as ${String(original)}`,
    user === null || user === undefined ? undefined : `user ${String(user)}`,
    scheme === null || scheme === undefined ? undefined : String(scheme),
  ].filter((one) => one !== undefined);
  return more.length === 0 ? String(login) : `${String(login)} (${more.join(', ')})`;
}

/** The browser answers within milliseconds; datagrams may get lost. */
const TRIES = 3;
const PATIENCE = 1_000;

/** CLNT_UCAST_INST and SVR_RESP of the SQL Server Resolution Protocol (MC-SQLR). */
const ASK_FOR_ONE = 4;
const ANSWER = 5;

/** Asks the SQL Server Browser at `browser` which port an instance listens on. */
async function findInstance(
  browser: setting.Address,
  instance: string,
  signal: AbortSignal,
): Promise<setting.Address> {
  const place = placeOf(browser);
  const answer = await asked(browser, instance, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw notConnected(error, place);
  });
  if (answer === undefined) {
    throw new NotConnectedError(
      `Not connected: the SQL Server Browser at ${place} (UDP) does not answer for the instance ${instance}. Check the name, that the service SQL Server Browser runs there, and whether a firewall drops UDP; or give the instance a fixed port, set connect to it and remove instance.`,
    );
  }
  const port = Number(/(?:^|;)tcp;(\d+)(?:;|$)/.exec(answer)?.[1]);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return { host: browser.host, port };
  throw new NotConnectedError(
    `Not connected: the instance ${instance} at ${browser.host} does not listen on TCP. Have TCP/IP enabled for it in the SQL Server Configuration Manager.`,
  );
}

async function asked(
  { host, port }: setting.Address,
  instance: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  try {
    // then datagrams from others are ignored
    socket.connect(port, address);
    await once(socket, 'connect', { signal });
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const late = AbortSignal.timeout(PATIENCE);
      const answered = once(socket, 'message', { signal: AbortSignal.any([signal, late]) });
      socket.send(Buffer.from([ASK_FOR_ONE, ...Buffer.from(`${instance}\0`)]));
      const [bytes] = (await answered.catch((error: unknown) => {
        if (!late.aborted || signal.aborted) throw error;
        return [undefined];
      })) as [Buffer | undefined];
      if (bytes !== undefined) return textOf(bytes);
    }
    return undefined;
  } finally {
    socket.close();
  }
}

/** `ServerName;LAB01;InstanceName;LAB;IsClustered;No;Version;16.0.1000.6;tcp;50123;;` */
function textOf(bytes: Buffer): string {
  return bytes[0] === ANSWER ? bytes.subarray(3).toString('latin1') : '';
}
