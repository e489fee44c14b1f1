import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JetStreamApiError } from '@nats-io/jetstream';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { findNatsServer } from '../../src/broker/embedded/nats-binary.ts';
import { ensureStream } from '../../src/broker/streams.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { liveStream } from '../../src/operator/live/live-stream.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const NO_LEADER = 10_008;
/** An election of a cluster that lost its leader takes some seconds. */
const ELECTED = { timeout: 60_000 };

interface Server {
  readonly url: string;
  start(): Promise<void>;
  kill(): Promise<void>;
}

/** Two servers that only together have a leader. */
async function pair(
  folder: string,
): Promise<{ readonly one: Server; readonly other: Server } & AsyncDisposable> {
  const binary = await findNatsServer();
  const routes = [await freePort(), await freePort()] as const;
  const server = async (n: 0 | 1): Promise<Server> => {
    const port = await freePort();
    const data = join(folder, `${n}`);
    await mkdir(data);
    const file = join(data, 'nats.conf');
    await writeFile(
      file,
      `server_name: s${n}
       listen: "127.0.0.1:${port}"
       jetstream { store_dir: "${data}" }
       cluster { name: pair, listen: "127.0.0.1:${routes[n]}", routes: ["nats://127.0.0.1:${routes[1 - n]}"] }`,
    );
    let child: ChildProcess | undefined;
    const kill = async (): Promise<void> => {
      const ended = child;
      child = undefined;
      if (ended === undefined) return;
      ended.kill('SIGKILL');
      await once(ended, 'exit');
    };
    return {
      url: `nats://127.0.0.1:${port}`,
      async start() {
        child = spawn(binary, ['-c', file], { stdio: 'ignore' });
        await once(child, 'spawn');
      },
      kill,
    };
  };
  const [one, other] = [await server(0), await server(1)];
  return {
    one,
    other,
    async [Symbol.asyncDispose]() {
      await Promise.all([one.kill(), other.kill()]);
    },
  };
}

test('streams are made, those of the console too, once a cluster that has no leader has one again', async () => {
  await using folder = await temporaryFolder();
  await using servers = await pair(folder.path);
  const { one, other } = servers;
  await one.start();
  await other.start();
  await using broker = await vi.waitFor(
    () => connectBroker({ url: one.url, production: 'pair', role: 'test' }),
    ELECTED,
  );
  await other.kill();
  await vi.waitFor(async () => {
    const error: unknown = await broker.manager.streams.info('WB_none').catch((given) => given);
    expect(error instanceof JetStreamApiError && error.code).toBe(NO_LEADER);
  }, ELECTED);

  const made = Promise.all([
    ensureStream(broker, 'WB_a', ['WB_a'], { duplicateWindow: 1_000, limit: 1_000_000 }),
    liveStream(broker, silentLogger),
  ]);
  await other.start();
  const [, live] = await made;
  for (const name of ['WB_a', broker.names.live.stream]) {
    // the server that came back may call an election once more
    await vi.waitFor(
      async () => expect((await broker.manager.streams.info(name)).config.name).toBe(name),
      ELECTED,
    );
  }
  await live.close();
}, 120_000);
