import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Sleeper } from '../../src/broker/waiting-room.ts';
import { startWaker } from '../../src/engine/waker.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

test('an engine that stood still between reading a waiting message and waking it leaves it to the next one', async () => {
  await using nats = await startNats();
  const file = join(nats.data, 'steps.ts');
  await writeFile(file, `export default (message, context) => context.sleep(2 * 86_400_000);\n`);
  const from = testInbound();
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['steps'] })],
      processes: [
        processDefinition('steps', {
          code: file,
          run: 'queued',
          order: 'none',
          pool: 2,
          whileWaiting: 'release',
        }),
      ],
      operations: [operationDefinition('out', testOutbound())],
    }),
  );
  const { engine } = running;
  const { messageId: id } = await vi.waitFor(() =>
    from.deliver({ body: Buffer.from('x'), type: 'text/plain' }),
  );
  await vi.waitFor(() => expect(running.director.waiting()?.get('steps')?.count).toBe(1), 5_000);
  const { message } = (await engine.waiting.find('steps', id)) ?? {};
  expect(message).toBeDefined();
  const due: Sleeper = { id, host: 'steps', sequence: 1, until: 0, answers: [] };
  const target = { kind: 'queue' as const, generation: 0, partition: undefined };

  /** Wakes it by an engine whose lease ends, or not, while it reads. */
  const wokenBy = async (endsMeanwhile: boolean): Promise<number> => {
    let published = 0;
    const { publisher } = engine.broker;
    const read = Promise.withResolvers<void>();
    let held = true;
    const lease = {
      signal: new AbortController().signal,
      takenOver: false,
      isHeld: () => held,
      release: () => Promise.resolve(),
    };
    const waker = startWaker(
      {
        ...engine,
        broker: {
          ...engine.broker,
          publisher: {
            ...publisher,
            publish(...given) {
              published += 1;
              return publisher.publish(...given);
            },
          },
        },
        leases: { ...engine.leases, take: () => Promise.resolve(lease) },
        waiting: {
          ...engine.waiting,
          async *sleepers(signal) {
            yield due;
            yield* engine.waiting.sleepers(signal);
          },
          async read(sequence) {
            const taken = await engine.waiting.read(sequence);
            held = !endsMeanwhile;
            read.resolve();
            return taken;
          },
        },
      },
      {
        wiring: () => ({ target: () => target }) as never,
        operationStreams: () => [],
        collects: () => true,
      },
      { told: () => undefined },
    );
    await read.promise;
    await new Promise(setImmediate);
    await waker.close();
    return published;
  };
  expect(await wokenBy(true)).toBe(0);
  expect(await wokenBy(false)).toBe(1);
});
