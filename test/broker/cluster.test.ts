import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AckPolicy, JetStreamApiError } from '@nats-io/jetstream';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { openBucket } from '../../src/broker/bucket.ts';
import { findNatsServer } from '../../src/broker/embedded/nats-binary.ts';
import { isLeaderless, removeLeaderless } from '../../src/broker/leaderless.ts';
import { PROJECTOR } from '../../src/broker/names.ts';
import { countOf, projectorUnread } from '../../src/broker/stream-reader.ts';
import { ensureProjector, ensureStream } from '../../src/broker/streams.ts';
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

/** Servers of which more than half have a leader. */
async function cluster(
  folder: string,
  count: number,
): Promise<{ readonly all: readonly Server[]; leads(): Promise<string> } & AsyncDisposable> {
  const binary = await findNatsServer();
  const routes: number[] = [];
  const monitors: number[] = [];
  while (routes.length < count) {
    routes.push(await freePort());
    monitors.push(await freePort());
  }
  const server = async (n: number): Promise<Server> => {
    const port = await freePort();
    const data = join(folder, `${n}`);
    await mkdir(data);
    const file = join(data, 'nats.conf');
    await writeFile(
      file,
      `server_name: s${n}
       listen: "127.0.0.1:${port}"
       http: "127.0.0.1:${monitors[n]}"
       jetstream { store_dir: "${data}" }
       cluster { name: some, listen: "127.0.0.1:${routes[n]}", routes: [${routes
         .filter((_, other) => other !== n)
         .map((route) => `"nats://127.0.0.1:${route}"`)
         .join(', ')}] }`,
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
  const all: Server[] = [];
  for (const n of routes.keys()) all.push(await server(n));
  return {
    all,
    /** The name of the server that decides where streams and consumers are. */
    async leads() {
      const answer = await fetch(`http://127.0.0.1:${monitors[0]}/jsz`);
      const { meta_cluster } = (await answer.json()) as { meta_cluster: { leader: string } };
      return meta_cluster.leader;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((one) => one.kill()));
    },
  };
}

test('streams are made, those of the console too, once a cluster that has no leader has one again', async () => {
  await using folder = await temporaryFolder();
  await using servers = await cluster(folder.path, 2);
  const [one, other] = servers.all;
  if (one === undefined || other === undefined) throw new Error('there are two');
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
});

test('a consumer without a leader is removed and made again, one with a leader is left alone', async () => {
  await using folder = await temporaryFolder();
  await using servers = await cluster(folder.path, 3);
  for (const server of servers.all) await server.start();
  await using broker = await vi.waitFor(
    () =>
      connectBroker({
        url: servers.all.map(({ url }) => url).join(','),
        production: 'trio',
        role: 'test',
      }),
    ELECTED,
  );
  const { manager } = broker;
  const { stream, subject } = broker.names.queue('h');
  await vi.waitFor(
    () => manager.streams.add({ name: stream, subjects: [subject], num_replicas: 3 }),
    ELECTED,
  );
  // on two servers, of which one is not coming back; that it has no leader is told by the one that leads the others
  const leads = await servers.leads();
  const members = async (): Promise<readonly string[]> => {
    await manager.consumers.add(stream, {
      durable_name: PROJECTOR,
      ack_policy: AckPolicy.All,
      num_replicas: 2,
    });
    // until it has one, who leads it is none of those that are told
    return vi.waitFor(async () => {
      const { cluster: group } = await manager.consumers.info(stream, PROJECTOR);
      if (group?.leader === undefined) throw new Error('it has no leader yet');
      return [group.leader, ...(group.replicas ?? []).map(({ name }) => name)];
    }, ELECTED);
  };
  // one that is made on a single server, of those that stay
  const home = await vi.waitFor(async () => {
    await openBucket({ ...broker, replicas: 1 }, 'kept');
    const { cluster: group } = await manager.streams.info('KV_kept');
    if (group?.leader === undefined) throw new Error('it has no leader yet');
    return group.leader;
  }, ELECTED);
  let found = await vi.waitFor(members, ELECTED);
  while (!found.includes(leads) || found.every((name) => name === leads || name === home)) {
    await manager.consumers.delete(stream, PROJECTOR);
    found = await members();
  }
  expect(await removeLeaderless(broker, stream, PROJECTOR, 1_000)).toBe(false);
  const killed = found.find((name) => name !== leads && name !== home);
  await servers.all[Number(killed?.slice(1))]?.kill();
  await vi.waitFor(async () => {
    expect((await manager.streams.info(stream)).cluster?.leader).toBeDefined();
    await expect(manager.consumers.info(stream, PROJECTOR)).rejects.toSatisfy(isLeaderless);
    // what it has to read is not called nothing
    await broker.jetstream.publish(subject, 'one');
  }, ELECTED);
  expect(countOf(await projectorUnread(broker))).toBeGreaterThan(0);
  await vi.waitFor(
    async () => expect(await removeLeaderless(broker, stream, PROJECTOR, 1_000)).toBe(true),
    ELECTED,
  );
  await ensureProjector(broker, stream);
  await vi.waitFor(
    async () =>
      expect((await manager.consumers.info(stream, PROJECTOR)).cluster?.leader).toBeDefined(),
    ELECTED,
  );

  // the one that was made on a single server gets the copies of three
  const copiesOf = async (name: string): Promise<number> =>
    (await manager.streams.info(`KV_${name}`)).config.num_replicas;
  expect(await copiesOf('kept')).toBe(1);
  await openBucket(broker, 'kept');
  expect(await copiesOf('kept')).toBe(3);

  // an engine that starts while one of three is away sees two
  await using later = await connectBroker({
    url: servers.all.map(({ url }) => url).join(','),
    production: 'trio',
    role: 'test',
  });
  expect(later.replicas).toBe(1);
  await ensureStream(later, stream, [subject], { duplicateWindow: 1_000, limit: 1_000_000 });
  await openBucket(later, 'kept');
  expect(await copiesOf('kept')).toBe(3);
  expect((await manager.streams.info(stream)).config).toMatchObject({
    num_replicas: 3,
    max_bytes: 1_000_000,
  });
});

test('who connects while a cluster has no leader waits for it, and says so', async () => {
  await using folder = await temporaryFolder();
  await using servers = await cluster(folder.path, 3);
  const [first, ...others] = servers.all;
  if (first === undefined) throw new Error('there are three');
  await first.start();
  const told = new Set<string>();
  let started: Promise<unknown> | undefined;
  // the first server may not listen yet, and who gave up waiting is told once more
  await using broker = await vi.waitFor(
    () =>
      connectBroker({
        url: first.url,
        production: 'late',
        role: 'test',
        onStatus: (status) => {
          told.add(status);
          // too few run: nobody leads
          started ??= Promise.all(others.map((other) => other.start()));
        },
      }),
    ELECTED,
  );
  await started;
  expect([...told]).toEqual(['waiting']);
  expect(broker.replicas).toBe(3);
});
