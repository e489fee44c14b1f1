import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { EngineError } from '../error/engine-error.ts';
import { dovecotFolder } from './mail/dovecot.ts';
import { postfixFolder } from './mail/postfix.ts';

const run = promisify(execFile);

/** Ports on 127.0.0.1. */
export interface MailPorts {
  /** SMTP with STARTTLS; sign-in required. */
  readonly submission: number;
  /** SMTP with TLS from the start; sign-in required. */
  readonly submissions: number;
  /** SMTP without TLS and without sign-in: a relay that trusts its network. */
  readonly relay: number;
  /** IMAP with STARTTLS. */
  readonly imap: number;
  /** IMAP with TLS from the start. */
  readonly imaps: number;
  /** LMTP, from Postfix to Dovecot. */
  readonly delivery: number;
}

export interface MailServersOptions {
  /** Address → password. Each has a mailbox with the folders `INBOX` and `Done`. */
  readonly users: Readonly<Record<string, string>>;
  /** Paths of the server's certificate with its chain and of its key, PEM; readable by everyone. */
  readonly certificate: string;
  readonly key: string;
  /** Key id → public key (PEM, RSA) of who may sign tokens. Without it only passwords sign in. */
  readonly tokenKeys?: Readonly<Record<string, string>>;
  /** Bytes that Postfix takes as one mail. */
  readonly sizeLimit?: number;
  /** Address → the reply to `RCPT TO`, such as `452 4.2.2 mailbox full`. */
  readonly refusals?: Readonly<Record<string, string>>;
}

/** A Postfix and a Dovecot that run until they are disposed of. */
export interface MailServers extends AsyncDisposable {
  readonly ports: MailPorts;
  /** The folder of their configuration, queue, mail and logs; removed in the end. */
  readonly folder: string;
  /** The processes to kill in a test of a server's death. */
  readonly postfix: ChildProcess;
  readonly dovecot: ChildProcess;
}

/** Whether Postfix and Dovecot are installed and may be started: they need root. */
export async function hasMailServers(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  const found = await Promise.allSettled([
    run('dovecot', ['--version']),
    run('postconf', ['-d', 'mail_version']),
  ]);
  return found.every(({ status }) => status === 'fulfilled');
}

/**
 * Starts a real SMTP and IMAP pair on loopback with free ports and a folder of their own. Throws an
 * EngineError `NOT_FOUND` where they are not installed or do not come up.
 */
export async function mailServers(options: MailServersOptions): Promise<MailServers> {
  if (!(await hasMailServers())) {
    throw new EngineError(
      'NOT_FOUND',
      'Postfix and Dovecot are not installed, or this is not root. Install postfix, dovecot-imapd and dovecot-lmtpd.',
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'waybill-mail-'));
  // Both drop to users of their own, which must reach what lies below.
  await chmod(folder, 0o755);
  const ports = await freePorts();
  const imap = join(folder, 'dovecot');
  const smtp = join(folder, 'postfix');
  await mkdir(imap);
  await mkdir(smtp);
  const dovecot = await dovecotFolder(imap, ports, options);
  await postfixFolder(smtp, ports, { ...options, signIn: dovecot.signIn });
  const processes = [
    await daemon('dovecot', ['-F', '-c', dovecot.configuration], join(folder, 'out.log')),
    await postfixMaster(smtp, join(folder, 'out.log')),
  ] as const;
  const servers: MailServers = {
    ports,
    folder,
    dovecot: processes[0],
    postfix: processes[1],
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map(stopped));
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
  try {
    await Promise.all(Object.values(ports).map((port) => answering(port, processes)));
  } catch (error) {
    await servers[Symbol.asyncDispose]();
    throw error;
  }
  return servers;
}

/**
 * `postfix start-fg` would run the master below a shell, which leaves it behind when it is ended; so
 * the queue's folders are made by `postfix check` and the master is started itself.
 */
async function postfixMaster(folder: string, log: string): Promise<ChildProcess> {
  await run('postfix', ['-c', folder, 'check']);
  const { stdout } = await run('postconf', ['-d', '-h', 'daemon_directory']);
  return daemon(join(stdout.trim(), 'master'), ['-c', folder, '-s'], log);
}

/** Their output goes to a file: a daemon that held our own would keep whoever waits for its end. */
async function daemon(
  program: string,
  args: readonly string[],
  log: string,
): Promise<ChildProcess> {
  await using output = await open(log, 'a');
  return spawn(program, args, { stdio: ['ignore', output.fd, output.fd] });
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

async function freePorts(): Promise<MailPorts> {
  const servers = await Promise.all(Array.from({ length: 6 }, listening));
  const [submission = 0, submissions = 0, relay = 0, imap = 0, imaps = 0, delivery = 0] =
    servers.map((server) => {
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return { submission, submissions, relay, imap, imaps, delivery };
}

async function listening(): Promise<Server> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function answering(port: number, processes: readonly ChildProcess[]): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await accepts(port))) {
    const dead = processes.find(({ exitCode }) => exitCode !== null);
    if (dead !== undefined || Date.now() > end) {
      throw new EngineError('NOT_FOUND', `no mail server came up on port ${port}; see its log`);
    }
    await sleep(20);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
