import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createSecureServer } from 'node:tls';
import type { CertificateCredential } from '../../../src/adapter/index.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { OracleClient } from './oracle-connection.ts';
import { type OracleError, type OracleProcedure, OracleSqlSession } from './oracle-session.ts';

export interface OraclePeerOptions {
  readonly certificate: CertificateCredential;
  /** Password by user. */
  readonly accounts: Readonly<Record<string, string>>;
  readonly service: string;
}

interface Fault {
  readonly text: RegExp;
  readonly error: OracleError;
  times: number;
}

/**
 * Speaks the part of TNS and TTC that the driver's thin mode uses, as a server of 12.1: connecting with a service name
 * or SID, TCPS at the same port, O5LOGON with a verifier of 12c, statements with values, rows in several fetches,
 * transactions, breaks, errors by their numbers. Statements are executed by SQLite.
 */
export class OraclePeer implements AsyncDisposable {
  readonly options: OraclePeerOptions;
  readonly procedures = new Map<string, OracleProcedure>();
  /** Errors after a proven password, such as that it has expired. */
  readonly refusals = new Map<string, OracleError>();
  readonly programs: string[] = [];
  readonly texts: string[] = [];
  readonly running = new Set<string>();
  readonly file: string;
  readonly #folder: AsyncDisposable;
  readonly #server = createServer((socket) => this.#join(socket));
  readonly #secure = createSecureServer((socket) => this.#talk(socket));
  readonly #sockets = new Set<Socket>();
  readonly #faults: Fault[] = [];
  #held = Promise.resolve();
  #release: () => void = () => undefined;

  private constructor(
    options: OraclePeerOptions,
    folder: AsyncDisposable & { readonly path: string },
  ) {
    this.options = options;
    this.#folder = folder;
    this.file = join(folder.path, 'data');
    this.show(options.certificate);
  }

  static async start(options: OraclePeerOptions): Promise<OraclePeer> {
    const peer = new OraclePeer(options, await temporaryFolder('oracle'));
    peer.#server.listen(0, '127.0.0.1');
    await once(peer.#server, 'listening');
    return peer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get held(): Promise<void> {
    return this.#held;
  }

  show({ certificate: cert, key }: CertificateCredential): void {
    this.#secure.setSecureContext({ cert, key });
  }

  /** The next statements that match fail with an error of the server. */
  fail(text: RegExp, error: OracleError, times = 1): void {
    this.#faults.push({ text, error, times });
  }

  faultOf(text: string): OracleError | undefined {
    const fault = this.#faults.find((one) => one.times > 0 && one.text.test(text));
    if (fault === undefined) return undefined;
    fault.times -= 1;
    return fault.error;
  }

  /** Runs statements as an administrator, outside the protocol, and returns the rows of the last. */
  async ask(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    const who = { user: 'system', service: this.options.service };
    const session = new OracleSqlSession(this.file, who, this.procedures);
    try {
      let rows: readonly Record<string, unknown>[] = [];
      const { signal } = new AbortController();
      for (const one of statements) {
        const { columns, rows: found } = await session.carryOut(one, [], { commit: true, signal });
        rows = found.map((row) =>
          Object.fromEntries(row.map((value, index) => [columns[index]?.name, plain(value)])),
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

  /** TCPS begins with TLS. */
  #join(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true).on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      if (first[0] === TLS_HANDSHAKE) this.#secure.emit('connection', socket);
      else this.#talk(socket);
    });
  }

  #talk(socket: Socket): void {
    const client = new OracleClient(this, socket);
    socket.on('error', () => undefined).on('close', () => client.end());
    socket.resume();
  }
}

const TLS_HANDSHAKE = 0x16;

/** Like the other databases' clients: small numbers as numbers. */
const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);
