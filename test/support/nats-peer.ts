import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type Daemon, startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';

/** A NATS server of somebody else: with JetStream, and lines of its configuration. */
export interface NatsPeer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** A connection of its own. */
  readonly client: () => Promise<NatsConnection>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface NatsPeerOptions {
  /** Lines of the configuration: users, TLS, limits. */
  readonly lines?: readonly string[];
  /** How the peer itself signs in. */
  readonly as?: { readonly user: string; readonly pass: string };
}

export async function natsPeer({ lines = [], as }: NatsPeerOptions = {}): Promise<NatsPeer> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-nats-peer-'));
  const port = await freePort();
  const configuration = join(folder, 'nats.conf');
  await writeFile(
    configuration,
    `listen: 127.0.0.1:${port}\njetstream { store_dir: "${folder}/store" }\n${lines.join('\n')}\n`,
  );
  const begin = (): Promise<Daemon> =>
    startDaemon({
      program: 'nats-server',
      args: ['-c', configuration],
      log: join(folder, 'log'),
      port,
    });
  let daemon: Daemon | undefined = await begin();
  const clients: NatsConnection[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(clients.splice(0).map((one) => one.close()));
    await daemon?.stop();
    daemon = undefined;
  };
  return {
    port,
    get pid() {
      return daemon?.pid ?? 0;
    },
    async client() {
      const client = await connect({ servers: `127.0.0.1:${port}`, ...as });
      clients.push(client);
      return client;
    },
    stop,
    async start() {
      daemon ??= await begin();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}
