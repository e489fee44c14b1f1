import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { type Running, run } from '../support/running.ts';

const TIMES = 20;
/** Outcomes that are read when a line is taken over. */
const SETTLED = 10_000;

const lineOf = ({ director }: Running) => director.statuses().find(({ host }) => host === 'out');

test('a strict line goes on each time after nats-server was killed twice within three seconds, and after a pause and two kills', async () => {
  await using nats = await startNats();
  const into = testInbound();
  const out = testOutbound();
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', into, { to: ['out'] })],
      operations: [operationDefinition('out', out)],
    }),
  );
  const kill = (signal: NodeJS.Signals = 'SIGKILL'): void => {
    // while it is being started again there is nothing to kill
    if (nats.pid !== undefined) process.kill(nats.pid, signal);
  };
  let sending = true;
  let accepted = 0;
  const sent = (async () => {
    while (sending) {
      const body = Buffer.from(`${accepted}`);
      // refused while the server is paused: sent again
      if (
        await into.deliver({ type: 'text/plain', body, dedupeKey: `${accepted}` }).then(
          () => true,
          () => false,
        )
      )
        accepted += 1;
      await sleep(2);
    }
  })();
  // what ends it early is told where it is awaited; a test that fails before that closes the service under it
  sent.catch(() => undefined);
  const goesOn = async (): Promise<void> => {
    const before = out.sent.length;
    await vi.waitFor(() => expect(out.sent.length).toBeGreaterThan(before + 20), {
      timeout: 60_000,
      interval: 20,
    });
  };
  await goesOn();

  for (let time = 0; time < TIMES; time++) {
    kill();
    // from the middle of its start to well after it
    await sleep(30 + 35 * time);
    try {
      kill();
    } catch {
      // it was dead still
    }
    await goesOn();
  }
  // paused for long enough that the lease is lost, then killed, and again while the line is taken over
  const { stream, subject } = running.engine.broker.names.outcomes;
  const settled = Array.from({ length: SETTLED }, () =>
    running.engine.sending.publisher.publish(subject, new Uint8Array(0)),
  );
  await Promise.all(settled);
  kill('SIGSTOP');
  await vi.waitFor(() => expect(lineOf(running)?.detail).toMatch(/no engine sends/), 30_000);
  kill();
  await using looking = await vi.waitFor(
    () => connectBroker({ ...nats, production: 'test', role: 'test' }),
    { interval: 20 },
  );
  await vi.waitFor(
    async () => {
      const readers: string[] = [];
      for await (const { name } of looking.manager.consumers.list(stream)) readers.push(name);
      expect(readers.length).toBeGreaterThan(1);
    },
    { interval: 5 },
  );
  kill();
  await goesOn();
  sending = false;
  await sent;
  await vi.waitFor(() => expect(out.sent.length).toBeGreaterThanOrEqual(accepted), 20_000);
  const numbers = out.sent.map(({ body }) => Number(Buffer.from(body.inline ?? []).toString()));
  expect([...new Set(numbers)]).toEqual(Array.from({ length: accepted }, (_, n) => n));
  expect(lineOf(running)).toMatchObject({
    connection: 'connected',
    detail: undefined,
    delayed: undefined,
  });
}, 600_000);
