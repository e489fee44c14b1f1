import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';
import type { CertificateCredential } from '../../src/adapter/index.ts';

/** A mail that a peer confirmed. */
export interface ReceivedMail {
  readonly raw: Buffer;
  readonly from: string;
  readonly to: readonly string[];
  /** The signed-in user; undefined if there is none. */
  readonly user: string | undefined;
  readonly secure: boolean;
}

export interface SmtpPeerOptions {
  /** `tls` uses TLS from the start; `starttls` offers it and sign-in only after it; `none` offers neither. */
  readonly security: 'none' | 'starttls' | 'tls';
  readonly certificate?: CertificateCredential;
  /** Who may sign in, by password or by token. Without it no sign-in is offered. */
  readonly users?: Readonly<Record<string, string>>;
  readonly mechanisms?: readonly string[];
  /** Further options of the server, for faults. */
  readonly more?: SMTPServerOptions;
}

/** A programmable SMTP server: the mails it confirmed, and ways to make it misbehave. */
export interface SmtpPeer extends AsyncDisposable {
  readonly port: number;
  readonly mails: ReceivedMail[];
  /** Connections accepted so far. */
  readonly connections: number;
  /** Mechanism and user of every sign-in attempt, in order. */
  readonly signIns: { readonly method: string; readonly user: string; readonly secret: string }[];
  hold(): void;
  release(): void;
  /** Address → reply code: the answer to RCPT TO. `*` means every address. */
  readonly refusals: Map<string, number>;
  /** The answer to DATA instead of a confirmation. */
  answerData: number | undefined;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Breaks every connection now. */
  cutAll(): void;
}

export async function smtpPeer(options: SmtpPeerOptions): Promise<SmtpPeer> {
  const peer = new Peer(options);
  await peer.start();
  return peer;
}

const coded = (responseCode: number, text: string): Error =>
  Object.assign(new Error(text), { responseCode });

class Peer implements SmtpPeer {
  port = 0;
  connections = 0;
  answerData: number | undefined;
  readonly mails: ReceivedMail[] = [];
  readonly signIns: { method: string; user: string; secret: string }[] = [];
  readonly refusals = new Map<string, number>();
  readonly #options: SmtpPeerOptions;
  readonly #sockets = new Set<Socket>();
  #server: SMTPServer | undefined;
  #gate: PromiseWithResolvers<void> | undefined;

  constructor(options: SmtpPeerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { security, certificate, users, mechanisms, more } = this.#options;
    const server = new SMTPServer({
      secure: security === 'tls',
      ...(certificate === undefined ? {} : { key: certificate.key, cert: certificate.certificate }),
      authMethods: [...(mechanisms ?? ['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2'])],
      authOptional: users === undefined,
      disabledCommands: [
        ...(security === 'starttls' ? [] : ['STARTTLS']),
        ...(users === undefined ? ['AUTH'] : []),
      ],
      disableReverseLookup: true,
      closeTimeout: 50,
      logger: false,
      onAuth: (auth, _session, done) => {
        const user = auth.username ?? '';
        const secret = auth.password ?? auth.accessToken ?? '';
        this.signIns.push({ method: auth.method, user, secret });
        const known = users?.[user];
        const right = known !== undefined && (secret === known || auth.validatePassword?.(known));
        if (right) done(null, { user });
        else if (auth.method === 'XOAUTH2')
          done(null, { data: { status: '401', schemes: 'bearer', scope: 'mail' } });
        else done(coded(535, '5.7.8 bad credentials'));
      },
      onRcptTo: ({ address }, _session, done) => {
        const code = this.refusals.get(address) ?? this.refusals.get('*');
        if (code === undefined) done();
        else done(coded(code, `${code < 500 ? '4.2.0' : '5.1.1'} <${address}> refused`));
      },
      onData: (stream, session, done) => {
        void this.#take(stream, session, done);
      },
      ...more,
    });
    server.on('error', () => undefined);
    server.server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.listen(this.port, '127.0.0.1');
    await once(server.server, 'listening');
    this.port = (server.server.address() as AddressInfo).port;
    this.#server = server;
  }

  async #take(
    stream: Readable,
    { envelope, user, secure }: SMTPServerSession,
    done: (error: Error | null, text?: string) => void,
  ): Promise<void> {
    const raw = await buffer(stream).catch(() => undefined);
    if (raw === undefined) return; // the sender disconnected
    await this.#gate?.promise;
    if (this.answerData !== undefined) {
      done(coded(this.answerData, 'no'));
      return;
    }
    const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
    this.mails.push({ raw, from, to: envelope.rcptTo.map(({ address }) => address), user, secure });
    done(null, 'kept as 1');
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(resolve));
    this.cutAll();
    await closed;
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  hold(): void {
    this.#gate = Promise.withResolvers();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.stop();
  }
}
