import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NtlmJudge } from '../samba.ts';
import type { SqlServerPeer } from './sql-server-peer.ts';
import { TsqlSession, type Values } from './t-sql.ts';
import { KIND, TdsChannel, type TdsMessage } from './tds-channel.ts';
import { ENCRYPT, type Login, preloginAnswer, readLogin, wantedEncryption } from './tds-login.ts';
import { TdsReader } from './tds-reader.ts';
import { secured } from './tds-tls.ts';
import {
  DONE,
  doneToken,
  errorToken,
  type PeerResult,
  returnStatus,
  routing,
  rowTokens,
  SqlServerError,
  sspiToken,
  transactionToken,
  welcome,
} from './tds-token.ts';
import { readParameter } from './tds-type.ts';

const TLS_HANDSHAKE = 0x16;
const FEDERATED = 0x02;
const DEADLOCK = 1205;
/** Requests to the transaction manager (MS-TDS 2.2.6.9). */
const TRANSACTION = { begin: 5, commit: 7, rollback: 8 } as const;
/** `sp_executesql` is called by its number. */
const BY_NUMBER = 0xffff;
const EXECUTE_SQL = 10;

const UNTRUSTED = new SqlServerError(
  18452,
  'Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.',
);
const WRONG = new SqlServerError(18456, "Login failed for user ''.");

/** One client. */
export class PeerConnection {
  readonly #peer: SqlServerPeer;
  readonly #socket: Socket;
  readonly #ended = new AbortController();
  #encrypted: 'no' | 'inside' | 'strict' = 'no';
  #channel: TdsChannel | undefined;
  #login: Login | undefined;
  #judge: NtlmJudge | undefined;
  #session: TsqlSession | undefined;
  #descriptor = 0n;
  #cancelling: AbortController | undefined;

  constructor(peer: SqlServerPeer, socket: Socket) {
    this.#peer = peer;
    this.#socket = socket;
  }

  /** TDS 8 begins with TLS, TDS 7 with a packet. */
  async begin(): Promise<void> {
    await once(this.#socket, 'readable');
    const first = this.#socket.read() as Buffer | null;
    if (first === null) return;
    this.#socket.unshift(first);
    if (first[0] !== TLS_HANDSHAKE) return this.#listen(this.#socket);
    this.#encrypted = 'strict';
    this.#listen(await secured(this.#socket, this.#peer.secureContext(true), true));
  }

  end(): void {
    this.#ended.abort(new Error('the client is gone'));
    this.#judge?.end();
    this.#session?.close();
  }

  #listen(stream: Duplex): void {
    const channel = new TdsChannel(stream, (message) => {
      if (this.#channel !== channel) return;
      this.#heard(message).catch((error: unknown) => {
        // something that is not in the protocol, or came too late
        this.#socket.destroy(error instanceof Error ? error : undefined);
      });
    });
    this.#channel = channel;
  }

  async #heard(message: TdsMessage): Promise<void> {
    await this.#peer.held;
    switch (message.kind) {
      case KIND.prelogin:
        return await this.#hello(message.payload);
      case KIND.login:
        return await this.#signIn(readLogin(message.payload));
      case KIND.sspi:
        return await this.#proveWindows(message.payload);
      case KIND.attention:
        return this.#attention();
      default:
        if (message.isIgnored) return this.#answer(doneToken('batch', DONE.error));
        return await this.#request(message);
    }
  }

  #answer(...tokens: readonly Buffer[]): void {
    this.#channel?.send(KIND.answer, Buffer.concat(tokens));
  }

  async #hello(payload: Buffer): Promise<void> {
    const { encryption = 'on' } = this.#peer.options;
    const wanted = wantedEncryption(payload);
    const answer =
      encryption === 'off'
        ? ENCRYPT.notSupported
        : wanted === ENCRYPT.on
          ? ENCRYPT.on
          : encryption === 'required'
            ? ENCRYPT.required
            : ENCRYPT.notSupported;
    this.#answer(preloginAnswer(this.#encrypted === 'strict' ? ENCRYPT.on : answer));
    if (this.#encrypted !== 'no' || answer !== ENCRYPT.on) return;
    this.#channel = undefined;
    this.#socket.removeAllListeners('data');
    const secure = await secured(this.#socket, this.#peer.secureContext(false), false);
    this.#encrypted = 'inside';
    this.#listen(secure);
  }

  async #signIn(login: Login): Promise<void> {
    this.#login = login;
    const { accounts, token, ntlm, readers } = this.#peer.options;
    const reader = login.isReadOnly ? readers?.() : undefined;
    this.#peer.logins.push({ ...login, encrypted: this.#encrypted });
    if (reader !== undefined) {
      this.#letIn(login.user, 'SQL', routing(reader.host, reader.port));
    } else if (login.sspi !== undefined) {
      await this.#challenge(ntlm?.(), login.sspi);
    } else if (login.token !== undefined) {
      if (login.token === token?.text) this.#letIn(token.login, 'SQL');
      else this.#refuse(WRONG);
    } else if (login.password !== '' && accounts[login.user] === login.password) {
      this.#letIn(login.user, 'SQL');
    } else {
      this.#refuse(WRONG);
    }
  }

  async #challenge(judge: NtlmJudge | undefined, message: Buffer): Promise<void> {
    if (judge === undefined) return this.#refuse(UNTRUSTED);
    this.#judge = judge;
    await judge.judge(1, message.toString('base64'));
    this.#answer(sspiToken(Buffer.from(judge.challenge.trim(), 'base64')));
  }

  async #proveWindows(message: Buffer): Promise<void> {
    const account = await this.#judge?.judge(3, message.toString('base64'));
    if (account === undefined) this.#refuse(WRONG);
    else this.#letIn(account, 'NTLM');
  }

  #refuse(...errors: readonly SqlServerError[]): void {
    const tokens = errors.map((error) => errorToken(error, 14));
    this.#answer(...tokens, doneToken('batch', DONE.error));
    this.#socket.end();
  }

  #letIn(login: string, scheme: string, ...before: readonly Buffer[]): void {
    const { database = '', token } = this.#login ?? {};
    if (!this.#peer.options.databases.includes(database)) {
      const missing = `Cannot open database "${database}" requested by the login. The login failed.`;
      return this.#refuse(new SqlServerError(4060, missing), WRONG);
    }
    this.#session = new TsqlSession(
      this.#peer.file,
      { login, database, scheme },
      this.#peer.procedures,
    );
    this.#answer(...before, welcome(database, token === undefined ? [] : [FEDERATED]));
  }

  /** The current request is answered first, then this. */
  #attention(): void {
    const cancelling = this.#cancelling;
    if (cancelling === undefined) return this.#answer(doneToken('batch', DONE.attention));
    cancelling.abort(new Error('attention'));
  }

  async #request(message: TdsMessage): Promise<void> {
    const cancelling = new AbortController();
    this.#cancelling = cancelling;
    const signal = AbortSignal.any([cancelling.signal, this.#ended.signal]);
    const { tokens, done } = await this.#carriedOut(message, signal);
    this.#cancelling = undefined;
    if (this.#ended.signal.aborted) return;
    await this.#peer.held;
    this.#answer(...tokens, done);
    if (cancelling.signal.aborted) this.#answer(doneToken('batch', DONE.attention));
  }

  async #carriedOut(
    message: TdsMessage,
    signal: AbortSignal,
  ): Promise<{ readonly tokens: readonly Buffer[]; readonly done: Buffer }> {
    const kind = message.kind === KIND.rpc ? 'procedure' : 'batch';
    try {
      const tokens = await this.#tokensOf(message, signal);
      return { tokens, done: doneToken(kind, DONE.last) };
    } catch (error) {
      if (signal.aborted) return { tokens: [], done: doneToken(kind, DONE.error) };
      const known =
        error instanceof SqlServerError ? error : new SqlServerError(50_000, String(error));
      const tokens = [errorToken(known)];
      if (known.number === DEADLOCK && this.#session?.isInTransaction === true) {
        this.#session.rollback();
        tokens.push(transactionToken('rolledBack', this.#descriptor));
      }
      return { tokens, done: doneToken(kind, DONE.error) };
    }
  }

  async #tokensOf({ kind, payload }: TdsMessage, signal: AbortSignal): Promise<readonly Buffer[]> {
    // the headers before: the descriptor of the transaction
    const reader = new TdsReader(payload, payload.readUInt32LE(0));
    if (kind === KIND.transaction) return [await this.#transact(reader.short(), signal)];
    if (kind === KIND.batch) {
      const results = await this.#run(reader.rest().toString('ucs2'), {}, signal);
      return results.flatMap((result) => [rowTokens(result), countToken('batch', result)]);
    }
    const { text, values } = readCall(reader);
    const results = await this.#run(text, values, signal);
    return [
      ...results.flatMap((result) => [rowTokens(result), countToken('inProcedure', result)]),
      returnStatus(),
    ];
  }

  async #run(text: string, values: Values, signal: AbortSignal): Promise<readonly PeerResult[]> {
    const session = this.#session;
    if (session === undefined) throw new Error('nobody has signed in');
    this.#peer.texts.push(text);
    const fault = this.#peer.faultOf(text);
    if (fault !== undefined) throw fault;
    // settings that the driver sends after its sign-in
    if (/^set ansi_nulls/i.test(text)) return [];
    this.#peer.running.add(text);
    try {
      return await session.carryOut(text, values, signal);
    } finally {
      this.#peer.running.delete(text);
    }
  }

  async #transact(what: number, signal: AbortSignal): Promise<Buffer> {
    const fault = this.#peer.faultOf(`transaction ${what}`);
    if (fault !== undefined) throw fault;
    if (what === TRANSACTION.begin) {
      await this.#session?.begin(signal);
      this.#descriptor += 1n;
      return transactionToken('begun', this.#descriptor);
    }
    if (what === TRANSACTION.commit) {
      this.#session?.commit();
      return transactionToken('committed', this.#descriptor);
    }
    this.#session?.rollback();
    return transactionToken('rolledBack', this.#descriptor);
  }
}

const countToken = (kind: 'batch' | 'inProcedure', { count }: PeerResult): Buffer =>
  count === undefined ? doneToken(kind, DONE.more) : doneToken(kind, DONE.more | DONE.count, count);

/** A call of `sp_executesql`: the statement, the declarations of its values, and these. */
function readCall(reader: TdsReader): { text: string; values: Values } {
  if (reader.short() !== BY_NUMBER || reader.short() !== EXECUTE_SQL) {
    throw new Error('a procedure that is not called by its number');
  }
  reader.short();
  const parameters: { readonly name: string; readonly value: ReturnType<typeof readParameter> }[] =
    [];
  while (!reader.isAtEnd) {
    const name = reader.text().replace('@', '');
    reader.byte();
    parameters.push({ name, value: readParameter(reader) });
  }
  const [statement, , ...values] = parameters;
  return {
    text: String(statement?.value),
    values: Object.fromEntries(values.map(({ name, value }) => [name, value])),
  };
}
