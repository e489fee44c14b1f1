import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { type Daemon, startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';

const run = promisify(execFile);
const SERVER = '/usr/sbin/mosquitto';

/** Why tests against Mosquitto are skipped; undefined where they run. */
export const noMosquitto: string | undefined = existsSync(SERVER)
  ? undefined
  : 'mosquitto is not installed';

export interface MosquittoOptions {
  /** Further lines of its configuration, for its one listener. */
  readonly lines?: readonly string[];
  /** Users with their passwords; none lets everybody in. */
  readonly users?: Readonly<Record<string, string>>;
  /** Lines of its list of rights. */
  readonly rights?: readonly string[];
}

/** A Mosquitto broker of its own, which keeps sessions over a stop. */
export interface Mosquitto extends AsyncDisposable {
  readonly port: number;
  /** Publishes by Mosquitto's own client. */
  publish(topic: string, body: Buffer | string, ...options: string[]): Promise<void>;
  /** What Mosquitto's own client hears on a topic from now on. */
  listen(topic: string): Promise<{ readonly heard: Buffer[] }>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function mosquitto({
  lines = [],
  users,
  rights,
}: MosquittoOptions = {}): Promise<Mosquitto> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-mosquitto-'));
  const at = (name: string): string => join(folder, name);
  const port = await freePort();
  const settings = [
    `listener ${port} 127.0.0.1`,
    `allow_anonymous ${users === undefined}`,
    'persistence true',
    `persistence_location ${folder}/`,
    'user root',
    ...lines,
  ];
  if (users !== undefined) {
    await writeFile(at('users'), '');
    await chmod(at('users'), 0o600);
    for (const [name, password] of Object.entries(users)) {
      await run('mosquitto_passwd', ['-b', at('users'), name, password]);
    }
    settings.push(`password_file ${at('users')}`);
  }
  if (rights !== undefined) {
    await writeFile(at('rights'), `${rights.join('\n')}\n`);
    await chmod(at('rights'), 0o600);
    settings.push(`acl_file ${at('rights')}`);
  }
  await writeFile(at('mosquitto.conf'), `${settings.join('\n')}\n`);
  const begin = (): Promise<Daemon> =>
    startDaemon({ program: SERVER, args: ['-c', at('mosquitto.conf')], log: at('log'), port });
  let daemon: Daemon | undefined = await begin();
  const listeners: ChildProcess[] = [];
  const to = ['-h', '127.0.0.1', '-p', String(port), '-V', '5'];
  const stop = async (): Promise<void> => {
    await daemon?.stop();
    daemon = undefined;
  };
  return {
    port,
    async publish(topic, body, ...options) {
      const child = spawn('mosquitto_pub', [...to, '-q', '1', '-t', topic, '-s', ...options]);
      const ended = new Promise((resolve) => {
        child.on('close', resolve);
      });
      child.stdin.end(body);
      const code = await ended;
      if (code !== 0) throw new Error(`mosquitto_pub ended with ${String(code)}`);
    },
    async listen(topic) {
      // it holds its output back where that is no terminal
      const child = spawn('stdbuf', [
        '-oL',
        'mosquitto_sub',
        ...to,
        '-q',
        '2',
        '-t',
        topic,
        '-F',
        '=%x',
        '-d',
      ]);
      listeners.push(child);
      const told = { heard: [] as Buffer[], isReady: false };
      const parts: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => {
        parts.push(chunk);
        if (!chunk.includes(10)) return;
        const all = Buffer.concat(parts.splice(0)).toString('latin1').split('\n');
        parts.push(Buffer.from(all.pop() ?? '', 'latin1'));
        for (const line of all) {
          if (line.startsWith('Subscribed')) told.isReady = true;
          if (line.startsWith('=')) told.heard.push(Buffer.from(line.slice(1), 'hex'));
        }
      });
      await vi.waitFor(() => {
        if (!told.isReady) throw new Error('not subscribed yet');
      });
      return told;
    },
    stop,
    async start() {
      daemon ??= await begin();
    },
    async [Symbol.asyncDispose]() {
      for (const one of listeners) one.kill();
      await stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}
