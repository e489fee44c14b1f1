import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChannelModel, connect } from 'amqplib';
import { afterAll, beforeAll, describe } from 'vitest';
import { type Daemon, startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';
import type { CertificateCredential } from '../../src/adapter/index.ts';

const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** A RabbitMQ broker of its own: users `hub` (password `pw`) and `reader`, who may only read. */
export interface Rabbit extends AsyncDisposable {
  readonly port: number;
  /** Set where it was started with a certificate. */
  readonly tlsPort: number;
  /** A connection of its own, as `hub`. */
  client(): Promise<ChannelModel>;
}

export interface RabbitOptions {
  readonly tls?: { readonly server: CertificateCredential; readonly authority: string };
}

const permission = (user: string, write: string): object => ({
  user,
  vhost: '/',
  configure: '.*',
  read: '.*',
  write,
});

const user = (name: string, more: object): object => ({ name, tags: '', limits: {}, ...more });

const DEFINITIONS = {
  users: [
    user('hub', { password: 'pw' }),
    user('reader', { password: 'pw' }),
    // signs in by a certificate with this name
    user('CN=client-a', { password_hash: '' }),
  ],
  vhosts: [{ name: '/' }, { name: 'closed' }],
  permissions: [
    permission('hub', '.*'),
    permission('reader', '^$'),
    permission('CN=client-a', '.*'),
  ],
};

export async function rabbit({ tls }: RabbitOptions = {}): Promise<Rabbit> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-rabbit-'));
  const at = (name: string): string => join(folder, name);
  const [port, tlsPort, names, distribution] = await Promise.all(
    [1, 2, 3, 4].map(() => freePort()),
  );
  await mkdir(at('home'));
  await writeFile(at('definitions.json'), JSON.stringify(DEFINITIONS));
  await writeFile(at('plugins'), '[rabbitmq_auth_mechanism_ssl].');
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    'auth_mechanisms.1 = PLAIN',
    'auth_mechanisms.2 = EXTERNAL',
    `load_definitions = ${at('definitions.json')}`,
    'log.console = true',
    'log.file = false',
    'max_message_size = 8000000',
    'vm_memory_high_watermark.absolute = 1GB',
    'disk_free_limit.absolute = 1MB',
  ];
  if (tls !== undefined) {
    await writeFile(at('server.pem'), tls.server.certificate);
    await writeFile(at('server.key'), tls.server.key);
    await writeFile(at('ca.pem'), tls.authority);
    lines.push(
      `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
      `ssl_options.cacertfile = ${at('ca.pem')}`,
      `ssl_options.certfile = ${at('server.pem')}`,
      `ssl_options.keyfile = ${at('server.key')}`,
      'ssl_options.verify = verify_peer',
      'ssl_options.fail_if_no_peer_cert = false',
      'ssl_cert_login_from = distinguished_name',
    );
  }
  await writeFile(at('rabbitmq.conf'), `${lines.join('\n')}\n`);
  const environment = {
    HOME: at('home'),
    RABBITMQ_NODENAME: `waybill${port}@localhost`,
    RABBITMQ_CONFIG_FILE: at('rabbitmq.conf'),
    RABBITMQ_MNESIA_BASE: at('data'),
    RABBITMQ_LOG_BASE: at('logs'),
    RABBITMQ_ENABLED_PLUGINS_FILE: at('plugins'),
    RABBITMQ_DIST_PORT: String(distribution),
    // for a few hundred messages: a scheduler that does not wait by counting starts it in three quarters of the time
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '+S 1:1 +SDcpu 1:1 +sbwt none +sbwtdcpu none +sbwtdio none',
    ERL_EPMD_PORT: String(names),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
  const assigned = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const log = at('log');
  // its names, in the foreground: the broker would start one that outlives it
  const epmd = await startDaemon({
    program: '/usr/bin/env',
    args: [...assigned, 'epmd', '-port', String(names)],
    log,
    port: names ?? 0,
  });
  const daemons: Daemon[] = [epmd];
  const stop = async (): Promise<void> => {
    for (const one of daemons.toReversed()) await one.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  try {
    daemons.push(
      await startDaemon({
        program: '/usr/bin/env',
        args: [...assigned, SERVER],
        log,
        port: port ?? 0,
        within: 200_000,
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  const clients: ChannelModel[] = [];
  return {
    port: port ?? 0,
    tlsPort: tlsPort ?? 0,
    async client() {
      const client = await connect(`amqp://hub:pw@127.0.0.1:${port}`);
      client.on('error', () => undefined);
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((one) => one.close().catch(() => undefined)));
      await stop();
    },
  };
}

export const noRabbit = existsSync(SERVER) ? undefined : 'rabbitmq-server is not installed';

/** Declares tests against a real RabbitMQ, which is started once for all of them; skipped, with the reason, where there is none. */
export function describeWithRabbit(
  title: string,
  tests: (broker: () => Rabbit) => void,
  options: () => Promise<RabbitOptions> = async () => ({}),
): void {
  const why = noRabbit === undefined ? '' : ` (skipped: ${noRabbit})`;
  describe.skipIf(noRabbit !== undefined)(`${title}${why}`, () => {
    let broker: Rabbit | undefined;
    beforeAll(async () => {
      broker = await rabbit(await options());
    }, 240_000);
    afterAll(() => broker?.[Symbol.asyncDispose]());
    tests(() => {
      if (broker === undefined) throw new Error('the broker was not started');
      return broker;
    });
  });
}
