import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EngineError } from '../../src/error/engine-error.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { freePort } from '../free-port.ts';
import { dovecotFolder } from './dovecot.ts';
import { postfixFolder } from './postfix.ts';

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
  /** POP3 with STLS; only where it was asked for. */
  readonly pop3: number;
  /** POP3 with TLS from the start. */
  readonly pop3s: number;
  /** LMTP, from Postfix to Dovecot. */
  readonly delivery: number;
}

export interface MailServersOptions {
  /** Address → password. Each has a mailbox with the folders `INBOX` and `Done`. */
  readonly users: Readonly<Record<string, string>>;
  /** Paths of the server's certificate with its chain and of its key, PEM; readable by everyone. */
  readonly certificate: string;
  readonly key: string;
  /** Key id → public key (PEM, RSA) for signed tokens. Without it only passwords are accepted. */
  readonly tokenKeys?: Readonly<Record<string, string>>;
  /** The most bytes that Postfix accepts for one mail. */
  readonly sizeLimit?: number;
  /** Address → the reply to `RCPT TO`, such as `452 4.2.2 mailbox full`. */
  readonly refusals?: Readonly<Record<string, string>>;
  /** The separator between levels of mail folders. Default: `/`. */
  readonly separator?: string;
  /** Whether Dovecot speaks POP3 as well, which needs its package dovecot-pop3d. */
  readonly pop3?: boolean;
  /** The prefix of every folder except INBOX, such as `INBOX.`. Default: none. */
  readonly prefix?: string;
}

/** A Postfix and a Dovecot that run until they are disposed of. */
export interface MailServers extends AsyncDisposable {
  readonly ports: MailPorts;
  /** The folder of their configuration, queue, mail and logs; removed at the end. */
  readonly folder: string;
  readonly postfix: Daemon;
  readonly dovecot: Daemon;
}

/** Whether Postfix and Dovecot are installed and can be started, which needs root. */
export async function hasMailServers(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  const found = await Promise.allSettled([
    run('dovecot', ['--version']),
    run('postconf', ['-d', 'mail_version']),
  ]);
  return found.every(({ status }) => status === 'fulfilled');
}

/**
 * Starts a real SMTP and IMAP pair on loopback with free ports and its own folder. Throws an
 * EngineError `NOT_FOUND` if they are not installed or do not start.
 */
export async function mailServers(options: MailServersOptions): Promise<MailServers> {
  if (!(await hasMailServers())) {
    throw new EngineError(
      'NOT_FOUND',
      'Postfix and Dovecot are not installed, or this is not root. Install postfix, dovecot-imapd and dovecot-lmtpd.',
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'waybill-mail-'));
  // Both drop to their own users, who must be able to reach what is below.
  await chmod(folder, 0o755);
  const clear = () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  try {
    const ports = await freePorts();
    const { dovecot, postfix } = await started(folder, ports, options);
    return {
      ports,
      folder,
      dovecot,
      postfix,
      async [Symbol.asyncDispose]() {
        await Promise.all([dovecot.stop(), postfix.stop()]);
        await clear();
      },
    };
  } catch (error) {
    await clear();
    throw error;
  }
}

async function started(
  folder: string,
  ports: MailPorts,
  options: MailServersOptions,
): Promise<Pick<MailServers, 'dovecot' | 'postfix'>> {
  const imap = join(folder, 'dovecot');
  const smtp = join(folder, 'postfix');
  const log = join(folder, 'out.log');
  await mkdir(imap);
  await mkdir(smtp);
  const { configuration, signIn } = await dovecotFolder(imap, ports, options);
  await postfixFolder(smtp, ports, { ...options, signIn });
  const starting = [
    startDaemon({ program: 'dovecot', args: ['-F', '-c', configuration], log, port: ports.imaps }),
    postfixMaster(smtp, log, ports.submission),
  ] as const;
  try {
    const [dovecot, postfix] = await Promise.all(starting);
    return { dovecot, postfix };
  } catch (error) {
    const up = await Promise.allSettled(starting);
    for (const one of up) if (one.status === 'fulfilled') await one.value.stop();
    throw error;
  }
}

/** `postfix start-fg` would run the master below a shell, which leaves it behind at its end; so it is started directly. */
async function postfixMaster(folder: string, log: string, port: number): Promise<Daemon> {
  const { stdout } = await run('postconf', ['-d', '-h', 'daemon_directory']);
  const program = join(stdout.trim(), 'master');
  return startDaemon({ program, args: ['-c', folder, '-s'], log, port });
}

async function freePorts(): Promise<MailPorts> {
  const found = new Set<number>();
  while (found.size < 8) found.add(await freePort());
  const ports = [...found];
  const next = (): number => ports.pop() ?? 0;
  return {
    submission: next(),
    submissions: next(),
    relay: next(),
    imap: next(),
    imaps: next(),
    pop3: next(),
    pop3s: next(),
    delivery: next(),
  };
}
