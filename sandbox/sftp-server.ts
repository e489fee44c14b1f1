import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import ssh2, { type AuthContext, type Connection, type ServerConfig } from 'ssh2';
import { type Interception, serveFiles } from './sftp-files.ts';

export interface SftpServerOptions {
  /** The folder it serves, as `/`. */
  readonly folder: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  /** How the password is asked for. Default: `password`. */
  readonly methods?: readonly ('password' | 'keyboard-interactive')[];
  /** Its software name. */
  readonly software?: string;
  readonly algorithms?: ServerConfig['algorithms'];
  /** Prompts of a keyboard-interactive sign-in, round by round; the first of each expects the password. */
  readonly rounds?: readonly (readonly string[])[];
  /** Whether a rename overwrites an existing file, as with many servers. */
  readonly overwrites?: boolean;
  /** Changes what happens to single requests, for answers that no real server gives on demand. */
  readonly intercept?: Interception;
}

/** An SFTP server in this process, without any OpenSSH extension. */
export interface SftpServer extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** `SHA256:…` */
  readonly fingerprint: string;
  /** The received requests, in order: `OPEN`, `WRITE`, `RENAME` … */
  readonly requests: string[];
  readonly connections: number;
  /** The method of every sign-in attempt with a password, in order. */
  readonly signIns: string[];
  /** Breaks every connection. */
  cut(): void;
}

/**
 * Starts an SFTP server on loopback that serves a folder: for the demo without OpenSSH, and for
 * tests of servers with odd behaviour. It does not keep the process alive.
 */
export async function sftpServer(options: SftpServerOptions): Promise<SftpServer> {
  const { user = 'hub', password = 'open sesame' } = options;
  const key = hostKey();
  const connections = new Set<Connection>();
  const requests: string[] = [];
  const signIns: string[] = [];
  const server = new ssh2.Server(
    {
      hostKeys: [key],
      ident: options.software ?? 'Waybill sandbox',
      ...(options.algorithms !== undefined && { algorithms: options.algorithms }),
    },
    (connection) => {
      connections.add(connection);
      socketOf(connection).setNoDelay(true);
      connection.on('error', () => undefined);
      connection.on('close', () => connections.delete(connection));
      connection.on('authentication', (context) => {
        if (context.method !== 'none') signIns.push(context.method);
        admit(context, { ...options, user, password });
      });
      connection.on('session', (accept) => {
        accept().on('sftp', (acceptSftp) => {
          serveFiles(acceptSftp(), {
            folder: options.folder,
            overwrites: options.overwrites ?? false,
            intercept: (request) => {
              requests.push(request.name);
              return options.intercept?.(request);
            },
            die: () => cut(connection),
          });
        });
      });
    },
  );
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    user,
    password,
    fingerprint: fingerprintOf(key),
    requests,
    signIns,
    get connections() {
      return connections.size;
    },
    cut: () => connections.forEach(cut),
    async [Symbol.asyncDispose]() {
      connections.forEach(cut);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** A server that dies does not disconnect properly, which is all that the library can do. */
function cut(connection: Connection): void {
  socketOf(connection).resetAndDestroy();
}

/** The library does not expose its socket. */
function socketOf(connection: Connection): Socket {
  const { _sock: socket } = connection as unknown as { readonly _sock: Socket };
  return socket;
}

function admit(
  context: AuthContext,
  { user, password, methods = ['password'], rounds = [['Password: ']] }: SftpServerOptions,
): void {
  const known = context.username === user;
  if (context.method === 'password' && methods.includes('password')) {
    if (known && context.password === password) context.accept();
    else context.reject([...methods]);
    return;
  }
  if (context.method !== 'keyboard-interactive' || !methods.includes('keyboard-interactive')) {
    context.reject([...methods]);
    return;
  }
  const asking = context;
  const ask = (round: number): void => {
    const prompts = rounds[round];
    if (prompts === undefined) return asking.accept();
    asking.prompt(
      prompts.map((prompt) => ({ prompt, echo: false })),
      (answers) => {
        if (known && answers[0] === password) ask(round + 1);
        else asking.reject([...methods]);
      },
    );
  };
  ask(0);
}

let made: string | undefined;

/** Made once per process, since it takes long; RSA, since the library reads no other kind of key that node writes. */
function hostKey(): string {
  made ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs1', format: 'pem' })
    .toString();
  return made;
}

function fingerprintOf(key: string): string {
  const parsed = ssh2.utils.parseKey(key);
  if (parsed instanceof Error) throw parsed;
  const one = Array.isArray(parsed) ? parsed[0] : parsed;
  return sha256(one?.getPublicSSH() ?? Buffer.alloc(0));
}

function sha256(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}
