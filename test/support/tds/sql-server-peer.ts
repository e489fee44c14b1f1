import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { CertificateCredential } from '../../../src/adapter/index.ts';
import type { NtlmJudge } from '../samba.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { PeerConnection } from './peer-connection.ts';
import { type Procedure, TsqlSession } from './t-sql.ts';
import type { Login } from './tds-login.ts';
import { SqlServerError } from './tds-token.ts';

export interface PeerOptions {
  readonly certificate: CertificateCredential;
  /** Password by user. */
  readonly accounts: Readonly<Record<string, string>>;
  readonly databases: readonly string[];
  /** `off`: not supported; `on`: supported; `required`: connections without it are refused. */
  readonly encryption?: 'off' | 'on' | 'required';
  /** An accepted Entra token, and its user. */
  readonly token?: { readonly text: string; readonly login: string };
  readonly ntlm?: () => NtlmJudge;
  /** The server to which read-only clients are redirected. */
  readonly readers?: () => { readonly host: string; readonly port: number };
}

/** A statement that should fail. */
interface Fault {
  readonly text: RegExp;
  readonly error: SqlServerError;
  times: number;
}

/**
 * Speaks TDS 7.4 and TDS 8 like SQL Server, as far as the driver uses it: prelogin, TLS within the
 * protocol and before it, sign-in by SQL, NTLM and Entra, batches, procedures, transactions,
 * attention, errors by their numbers. Statements are executed by SQLite.
 */
export class SqlServerPeer implements AsyncDisposable {
  readonly options: PeerOptions;
  readonly procedures = new Map<string, Procedure>();
  /** Who signed in, in order. */
  readonly logins: (Login & { readonly encrypted: 'no' | 'inside' | 'strict' })[] = [];
  /** The requests to it, in order. */
  readonly texts: string[] = [];
  /** Running statements. */
  readonly running = new Set<string>();
  readonly file: string;
  readonly #folder: AsyncDisposable;
  readonly #server = createServer((socket) => this.#join(socket));
  readonly #sockets = new Set<Socket>();
  readonly #faults: Fault[] = [];
  #certificate: CertificateCredential;
  #held = Promise.resolve();
  #release: () => void = () => undefined;

  private constructor(options: PeerOptions, folder: AsyncDisposable & { readonly path: string }) {
    this.options = options;
    this.#certificate = options.certificate;
    this.#folder = folder;
    this.file = join(folder.path, 'data');
  }

  static async start(options: PeerOptions): Promise<SqlServerPeer> {
    const peer = new SqlServerPeer(options, await temporaryFolder('sql-server'));
    peer.#server.listen(0, '127.0.0.1');
    await once(peer.#server, 'listening');
    return peer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Within TDS 7 there is no TLS 1.3. */
  secureContext(isStrict: boolean): ReturnType<typeof createSecureContext> {
    const { certificate: cert, key } = this.#certificate;
    return createSecureContext({ cert, key, maxVersion: isStrict ? 'TLSv1.3' : 'TLSv1.2' });
  }

  get held(): Promise<void> {
    return this.#held;
  }

  show(certificate: CertificateCredential): void {
    this.#certificate = certificate;
  }

  /** The next statements that match fail with an error of the server. */
  fail(text: RegExp, number: number, message = `error ${number}`, times = 1): void {
    this.#faults.push({ text, error: new SqlServerError(number, message), times });
  }

  /** The error with which a statement should fail. */
  faultOf(text: string): SqlServerError | undefined {
    const fault = this.#faults.find((one) => one.times > 0 && one.text.test(text));
    if (fault === undefined) return undefined;
    fault.times -= 1;
    return fault.error;
  }

  /** Runs statements as an administrator, outside the protocol, and returns the rows of the last. */
  async ask(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    const session = new TsqlSession(
      this.file,
      { login: 'sa', database: 'clinic', scheme: 'SQL' },
      this.procedures,
    );
    try {
      let rows: readonly Record<string, unknown>[] = [];
      for (const one of statements) {
        const last = (await session.carryOut(one, {}, new AbortController().signal)).at(-1);
        rows = (last?.rows ?? []).map((row) =>
          Object.fromEntries(row.map((value, index) => [last?.columns[index]?.name, plain(value)])),
        );
      }
      return rows;
    } finally {
      session.close();
    }
  }

  /** Answers nothing until `goOn`. */
  hold(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    this.#release = resolve;
  }

  goOn(): void {
    this.#release();
  }

  crash(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.goOn();
    this.crash();
    await rm(this.file, { force: true });
    await this.#folder[Symbol.asyncDispose]();
  }

  #join(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true).on('error', () => undefined);
    const connection = new PeerConnection(this, socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      connection.end();
    });
    // a client that disconnects during the handshake is gone
    connection.begin().catch(() => socket.destroy());
  }
}

/** Like the other databases' clients: small numbers as numbers. */
const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);
