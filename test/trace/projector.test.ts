import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { bodies } from '../../src/broker/bodies.ts';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { envelopeHeaders } from '../../src/broker/envelope.ts';
import { WORKER } from '../../src/broker/names.ts';
import { takenFrom } from '../../src/broker/queue.ts';
import { ensureProjector, ensureStream, ensureWorker } from '../../src/broker/streams.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import type { Logger } from '../../src/log/logger.ts';
import { startProjector } from '../../src/trace/projector.ts';
import { dayOfSession } from '../../src/trace/store/day.ts';
import type { TraceStore } from '../../src/trace/trace-store.ts';
import { startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import type { SampleSession } from '../support/trace-sample.ts';
import { sampleSession } from '../support/trace-sample.ts';
import { traced } from '../support/traced.ts';

/** The streams of a production with one queue, as an engine makes them. */
async function streams(broker: Broker): Promise<string> {
  const { names } = broker;
  const settings = { duplicateWindow: 60_000, limit: 1024 ** 3 };
  const { stream, subject } = names.queue('ward');
  await ensureStream(broker, stream, [subject], settings);
  await ensureStream(broker, names.journal.stream, [names.journal.subject], settings);
  await ensureStream(broker, names.outcomes.stream, [names.outcomes.subject], settings);
  await ensureWorker(broker, stream, 1);
  await ensureProjector(broker, names.outcomes.stream);
  return stream;
}

async function enqueue(broker: Broker, { queued }: SampleSession): Promise<void> {
  if (queued.kind !== 'message') throw new Error('the sample is queued');
  await broker.publisher.publish(
    broker.names.queue('ward').subject,
    queued.body ?? new Uint8Array(0),
    { headers: envelopeHeaders(queued.envelope) },
  );
}

test('while the store fails nothing is acknowledged, and all of it appears once it works again', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('projector');
  await using broker = await connectBroker({ ...nats, production: 'hub', role: 'test' });
  await streams(broker);
  await using trace = await traced(nats, { folder: folder.path, production: 'hub' });
  const first = sampleSession();
  await enqueue(broker, first);
  await vi.waitFor(async () => expect(await trace.store.message(first.derived)).toBeDefined());
  await vi.waitFor(async () => expect(await trace.projector.lag()).toBe(0));

  const intruder = new DatabaseSync(join(folder.path, `${dayOfSession(first.root)}.db`));
  intruder.exec('BEGIN IMMEDIATE');
  const second = sampleSession({ number: 1 });
  await enqueue(broker, second);
  await vi.waitFor(() => expect(trace.projector.failing()).toBeDefined(), { timeout: 10_000 });
  expect(await trace.projector.lag()).toBe(1);
  expect(await trace.store.message(second.derived)).toBeUndefined();

  intruder.exec('ROLLBACK');
  intruder.close();
  await vi.waitFor(async () => expect(await trace.store.message(second.derived)).toBeDefined(), {
    timeout: 10_000,
  });
  // the message is there before the projector has said so
  await vi.waitFor(() => expect(trace.projector.failing()).toBeUndefined());
  await vi.waitFor(async () => expect(await trace.projector.lag()).toBe(0));
});

test('a projector told to stop while the store fails leaves its batch to the next one', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('projector');
  await using broker = await connectBroker({ ...nats, production: 'hub', role: 'test' });
  await streams(broker);
  const first = sampleSession();
  const second = sampleSession({ number: 1 });
  await using intruder = new AsyncDisposableStack();
  {
    await using trace = await traced(nats, { folder: folder.path, production: 'hub' });
    await enqueue(broker, first);
    await vi.waitFor(async () => expect(await trace.store.message(first.derived)).toBeDefined());
    const lock = new DatabaseSync(join(folder.path, `${dayOfSession(first.root)}.db`));
    intruder.defer(() => lock.close());
    lock.exec('BEGIN IMMEDIATE');
    await enqueue(broker, second);
    await vi.waitFor(() => expect(trace.projector.failing()).toBeDefined(), {
      timeout: 10_000,
    });
  }
  await intruder.disposeAsync();
  await using trace = await traced(nats, { folder: folder.path, production: 'hub' });
  await vi.waitFor(async () => expect(await trace.store.message(second.derived)).toBeDefined(), {
    timeout: 10_000,
  });
});

test('a message whose acknowledgement outlived its outcome is completed with a note', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('projector');
  await using broker = await connectBroker({ ...nats, production: 'hub', role: 'test' });
  const stream = await streams(broker);
  const [lost, waiting] = [sampleSession(), sampleSession({ number: 1 })];
  await enqueue(broker, lost);
  await enqueue(broker, waiting);
  const worker = await broker.jetstream.consumers.get(stream, WORKER);
  const raw = await worker.next();
  if (raw !== null) takenFrom(raw, await bodies(broker), broker.turn).acknowledge();
  await broker.connection.flush();

  await using trace = await traced(nats, {
    folder: folder.path,
    production: 'hub',
    reconcileEvery: 50,
  });
  await vi.waitFor(async () => {
    expect(await trace.store.message(lost.derived)).toMatchObject({
      status: 'completed',
      presumed: true,
      warning: 'outcome lost in a crash',
    });
  });
  expect(await trace.store.message(waiting.derived)).toMatchObject({ status: 'queued' });
});

test('why nothing is written is told when it begins and when it becomes another', async () => {
  const errors = ['it was cut', 'it is full', 'it is full', 'it was cut'];
  const lines: unknown[] = [];
  const note = (line: unknown): void => void lines.push(line);
  const batches = [{ inputs: [], read: () => [], acknowledge: () => undefined }];
  const ended = Promise.withResolvers<undefined>();
  const projector = startProjector({
    source: {
      next: async () => batches.shift() ?? ended.promise,
      lag: async () => 0,
      floors: async () => undefined,
      close: async () => ended.resolve(undefined),
    },
    store: {
      apply: async () => {
        const text = errors.shift();
        if (text !== undefined)
          throw new EngineError('STORE_UNAVAILABLE', text, { retryable: true });
        return [];
      },
    } as unknown as TraceStore,
    log: { error: note, info: note } as unknown as Logger,
    retry: { every: 1, for: 1_000, backoff: 1, max: 1 },
  });
  await vi.waitFor(() => expect(lines).toHaveLength(3));
  expect(lines).toMatchObject([
    { event: 'trace-failed', err: { message: 'it was cut' } },
    { event: 'trace-failed', err: { message: 'it is full' } },
    { event: 'trace-recovered' },
  ]);
  await projector.stop();
});
