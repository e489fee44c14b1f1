import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kvm } from '@nats-io/kv';
import { expect, test, vi } from 'vitest';
import { RejectedError, TemporaryError } from '../../src/adapter/index.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { aborted } from '../../src/broker/while-held.ts';
import type { ProcessDefinition } from '../../src/definition/definition.ts';
import { endQueued } from '../../src/engine/end-queued.ts';
import { sweepSteps } from '../../src/engine/waker.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { ownProductions, runOwn } from '../support/own-production.ts';
import { type Running, run } from '../support/running.ts';
import { traced } from '../support/traced.ts';

const ownProduction = ownProductions();

async function code(folder: string, body: string): Promise<Partial<ProcessDefinition>> {
  const file = join(folder, `process-${Math.random()}.ts`);
  await writeFile(file, `export default async (message, context) => {\n${body}\n};\n`);
  return { code: file, run: 'queued' };
}

test.concurrent('a process calls a target, gets its answer and sends on', async () => {
  const nats = await ownProduction();
  const from = testInbound();
  const asked = testOutbound(() => ({ body: Buffer.from('42'), type: 'text/plain', code: '200' }));
  const told = testOutbound();
  await using _ = await runOwn(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['letters'] })],
      processes: [
        processDefinition(
          'letters',
          await code(
            nats.data,
            `const answer = await context.call('registry', 'who?');
             await context.send('printer', 'the answer is ' + Buffer.from(answer.body).toString() + ' ' + answer.code);`,
          ),
        ),
      ],
      operations: [operationDefinition('registry', asked), operationDefinition('printer', told)],
    }),
  );
  await vi.waitFor(() => from.deliver({ body: Buffer.from('x'), type: 'text/plain' }));
  await vi.waitFor(() => expect(told.sent).toHaveLength(1));
  expect(Buffer.from(told.sent[0]?.body.inline ?? []).toString()).toBe('the answer is 42 200');
});

test.concurrent('a process that is stopped in the middle goes on after the next start and repeats no effect', async () => {
  const nats = await ownProduction();
  const from = testInbound();
  const once = testOutbound();
  const twice = testOutbound();
  const gate = join(nats.data, 'gate');
  // on a slow machine it is past its sleep when it is stopped
  const body = `const { existsSync } = await import('node:fs');
    await context.send('first', 'first');
    await context.sleep('500ms');
    while (!existsSync(${JSON.stringify(gate)})) await new Promise((go) => setTimeout(go, 20));
    await context.send('second', 'second');`;
  const made = async () =>
    definition({
      services: [serviceDefinition('in', from, { to: ['steps'] })],
      processes: [processDefinition('steps', await code(nats.data, body))],
      operations: [operationDefinition('first', once), operationDefinition('second', twice)],
      rest: {
        settings: { ...definition({ services: [], operations: [] }).settings, shutdownTimeout: 10 },
      },
    });
  const running = await runOwn(nats, await made());
  await vi.waitFor(() => from.deliver({ body: Buffer.from('x'), type: 'text/plain' }));
  await vi.waitFor(() => expect(once.sent).toHaveLength(1));
  await running.stop();
  expect(twice.sent).toHaveLength(0);
  await using _ = await runOwn(nats, await made());
  await writeFile(gate, '');
  await vi.waitFor(() => expect(twice.sent).toHaveLength(1), 5_000);
  expect(once.sent).toHaveLength(1);
});

test.concurrent('a process that runs again makes the same token, and judges a token as it did', async () => {
  const nats = await ownProduction();
  const from = testInbound();
  const to = testOutbound();
  const secret = 'a shared secret of more than thirty-two bytes';
  const place = { file: 'production.yaml', line: 1, column: 1 };
  const seen: unknown[] = [];
  Object.assign(globalThis, { tokensSeen: seen });
  const body = `
    const token = await context.jwt.sign('own', { sub: 'anna' }, { lifetime: 60_000 });
    const refused = await context.jwt.verify('own', token + 'x').catch((error) => error.message);
    const { sub, jti } = await context.jwt.verify('own', token);
    globalThis.tokensSeen.push({ token, refused, sub, jti });
    if (globalThis.tokensSeen.length === 1) throw Object.assign(new Error('again'), { code: 'X', retryable: true });
    await context.send('out', 'done');`;
  await using _ = await runOwn(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['steps'] })],
      processes: [processDefinition('steps', await code(nats.data, body))],
      operations: [operationDefinition('out', to)],
      rest: {
        credentials: new Map([
          ['own', { kind: 'jwt-key', values: { algorithm: 'HS256', secret }, place, files: [] }],
        ]),
      },
    }),
  );
  await vi.waitFor(() => from.deliver({ body: Buffer.from('x'), type: 'text/plain' }));
  await vi.waitFor(() => expect(to.sent).toHaveLength(1));
  expect(seen).toHaveLength(2);
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[0]).toMatchObject({
    sub: 'anna',
    refused: expect.stringContaining('the signature of the token does not belong') as string,
  });
});

test.concurrent('a call that fails says why, and whether a retry helps, also when the process runs again', async () => {
  const nats = await ownProduction();
  const from = testInbound();
  const away = testOutbound(() => {
    throw new TemporaryError('The registry is being updated.');
  });
  const refusing = testOutbound(() => ({
    code: 'AE',
    text: 'no such ward',
    type: 'text/plain',
    body: Buffer.from(''),
  }));
  const broken = testOutbound(() => {
    throw new RejectedError('The registry does not take this.');
  });
  const seen: unknown[] = [];
  Object.assign(globalThis, { answersSeen: seen });
  const body = `
    const answers = [];
    for (const target of ['away', 'refusing', 'broken', 'fine']) {
      const { status, code, error } = await context.call(target, 'x');
      answers.push({ status, code, error });
    }
    globalThis.answersSeen.push(answers);
    if (globalThis.answersSeen.length === 1) throw Object.assign(new Error('again'), { code: 'X', retryable: true });`;
  const once = { retry: { for: 0, every: 1, backoff: 1, max: 1, disconnected: 1 } };
  const parts = { replies: { AE: 'fail' } };
  await using _ = await runOwn(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['steps'] })],
      processes: [processDefinition('steps', await code(nats.data, body))],
      operations: [
        operationDefinition('away', away, once),
        operationDefinition('refusing', refusing, { ...once, ...parts }),
        operationDefinition('broken', broken, once),
        operationDefinition('fine', testOutbound(), once),
      ],
    }),
  );
  await vi.waitFor(() => from.deliver({ body: Buffer.from('x'), type: 'text/plain' }));
  await vi.waitFor(() => expect(seen).toHaveLength(2), 10_000);
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[0]).toEqual([
    { status: 'error', code: undefined, error: { code: 'ADAPTER_TEMPORARY', retryable: true } },
    { status: 'error', code: 'AE', error: { code: 'REPLY_UNEXPECTED', retryable: true } },
    { status: 'error', code: undefined, error: { code: 'ADAPTER_REJECTED', retryable: false } },
    { status: 'completed', code: undefined, error: undefined },
  ]);
});

test.concurrent('a process that takes another path when it runs again is suspended', async () => {
  const nats = await ownProduction();
  const from = testInbound();
  const to = testOutbound();
  const made = async (target: string) =>
    definition({
      services: [serviceDefinition('in', from, { to: ['steps'] })],
      processes: [
        processDefinition(
          'steps',
          await code(
            nats.data,
            `await context.send('out', '${target}'); await context.sleep(60000);`,
          ),
        ),
      ],
      operations: [operationDefinition('out', to)],
      rest: {
        settings: { ...definition({ services: [], operations: [] }).settings, shutdownTimeout: 10 },
      },
    });
  const running = await runOwn(nats, await made('one'));
  await vi.waitFor(() => from.deliver({ body: Buffer.from('x'), type: 'text/plain' }));
  await vi.waitFor(() => expect(to.sent).toHaveLength(1));
  await running.stop();
  await using again = await runOwn(nats, await made('another'));
  await vi.waitFor(() =>
    expect(again.director.statuses().find(({ host }) => host === 'steps')?.lastError?.code).toBe(
      'PROCESS_DIVERGED',
    ),
  );
  expect(to.sent).toHaveLength(1);
});

/** Runs `body` for each message that is delivered, a pool of two, sending to `out`. */
async function orders(folder: string, body: string, rest: Partial<ProcessDefinition> = {}) {
  const from = testInbound();
  const to = testOutbound();
  const answering = Promise.withResolvers<void>();
  const asked = testOutbound(async (_, signal) => {
    await Promise.race([answering.promise, aborted(signal)]);
    signal.throwIfAborted();
    return { body: Buffer.from('yes'), type: 'text/plain' };
  });
  const made = definition({
    services: [serviceDefinition('in', from, { to: ['orders'] })],
    processes: [
      processDefinition('orders', {
        ...(await code(folder, body)),
        order: 'none',
        pool: 2,
        whileWaiting: 'release',
        ...rest,
      }),
    ],
    operations: [operationDefinition('out', to), operationDefinition('asked', asked)],
    rest: {
      settings: { ...definition({ services: [], operations: [] }).settings, shutdownTimeout: 500 },
    },
  });
  const deliver = (text: string) =>
    vi.waitFor(() => from.deliver({ body: Buffer.from(text), type: 'text/plain' }));
  const sent = () => to.sent.map((one) => Buffer.from(one.body.inline ?? []).toString());
  return { made, deliver, sent, asked, answer: answering.resolve };
}

const waitingIn = async ({ engine }: Running): Promise<number> =>
  (await engine.broker.manager.streams.info(engine.broker.names.waiting.stream)).state.messages;

const discard = ({ engine, director }: Running, id: number): Promise<void> =>
  endQueued(engine, director, {
    message: { id, target: 'orders' },
    status: 'discarded',
    by: 'anna',
    reason: 'not needed',
  });

test.concurrent('waiting messages hold no place of the pool, and go on with their time', async () => {
  const nats = await ownProduction();
  const { made, deliver, sent } = await orders(
    nats.data,
    `const text = Buffer.from(await message.bytes()).toString();
     if (text.startsWith('late')) await context.sleep(text === 'late for ever' ? 60 * 86_400_000 : 1_500);
     await context.send('out', text);`,
  );
  await using running = await runOwn(nats, made);
  for (const one of ['1', '2', '3', '4']) await deliver(`late ${one}`);
  for (let n = 0; n < 3; n++) await deliver('late for ever');
  await deliver('at once');
  await vi.waitFor(() => expect(sent()).toContain('at once'));
  await vi.waitFor(() => expect(sent()).toHaveLength(5), 5_000);
  expect(sent().toSorted()).toEqual(['at once', 'late 1', 'late 2', 'late 3', 'late 4']);
  // nothing but its record: sixty days are more than a timer can wait
  expect(await waitingIn(running)).toBe(3);
});

test.concurrent('calls that wait hold no place of the pool, and go on with their answers after a restart', async () => {
  const nats = await ownProduction();
  const { made, deliver, sent, asked, answer } = await orders(
    nats.data,
    `const text = Buffer.from(await message.bytes()).toString();
     const said = text === 'at once' ? 'no' : Buffer.from((await context.call('asked', text, { timeout: 30 * 86_400_000 })).body).toString();
     await context.send('out', text + ' ' + said);`,
  );
  const first = await runOwn(nats, made);
  for (const one of ['1', '2', '3']) await deliver(one);
  await vi.waitFor(async () => expect(await waitingIn(first)).toBe(3), 5_000);
  await deliver('at once');
  await vi.waitFor(() => expect(sent()).toEqual(['at once no']), 5_000);
  await first.stop();
  await using running = await runOwn(nats, made);
  answer();
  await vi.waitFor(() => expect(sent()).toHaveLength(4), 8_000);
  expect(sent().toSorted()).toEqual(['1 yes', '2 yes', '3 yes', 'at once no']);
  expect(asked.sent).toHaveLength(3);
  await vi.waitFor(async () => expect(await waitingIn(running)).toBe(0));
});

test.concurrent('code never hears that NATS is away: its message goes back to its queue, and it runs again', async () => {
  await using nats = await startNats();
  const gate = join(nats.data, 'gate');
  const { made, deliver, sent } = await orders(
    nats.data,
    `const { existsSync, writeFileSync } = await import('node:fs');
     writeFileSync(${JSON.stringify(gate)} + '.at', '');
     while (!existsSync(${JSON.stringify(gate)})) await new Promise((go) => setTimeout(go, 20));
     let said = 'done';
     try { await context.now(); } catch { said = 'caught'; }
     await context.send('out', said);`,
  );
  await using running = await run(nats, made);
  await deliver('1');
  await vi.waitFor(() => expect(existsSync(`${gate}.at`)).toBe(true));
  process.kill(nats.pid ?? 0, 'SIGSTOP');
  await writeFile(gate, '');
  // longer than the client waits for an answer
  await sleep(6_000);
  process.kill(nats.pid ?? 0, 'SIGCONT');
  await vi.waitFor(() => expect(sent()).toEqual(['done']), 10_000);
  const host = running.director.statuses().find(({ host: name }) => name === 'orders');
  expect(host?.lastError).toBeUndefined();
});

test.concurrent('a strict line waits with its message, and says so', async () => {
  const nats = await ownProduction();
  const { made, deliver, sent } = await orders(
    nats.data,
    `const text = Buffer.from(await message.bytes()).toString();
     if (text === 'first') await context.sleep(3_000);
     await context.send('out', text);`,
    { order: 'fifo', pool: 1, whileWaiting: 'hold' },
  );
  await using running = await runOwn(nats, made);
  await deliver('first');
  await deliver('second');
  const detail = () =>
    running.director.statuses().find(({ host }) => host === 'orders')?.detail ?? '';
  await vi.waitFor(() => expect(detail()).toMatch(/waits until .* and its line with it/));
  await vi.waitFor(() => expect(sent()).toEqual(['first', 'second']), 5_000);
  expect(detail()).toBe('');
});

test.concurrent('a call that was given up stays given up, whatever answer comes before the code runs again', async () => {
  const nats = await ownProduction();
  const { made, deliver, sent, asked, answer } = await orders(
    nats.data,
    `try { await context.call('asked', 'q', { timeout: 300 }); await context.send('out', 'answered'); }
     catch (error) { await context.sleep(1_500); await context.send('out', error.code); }`,
  );
  await using running = await runOwn(nats, made);
  const { messageId: id } = await deliver('x');
  // that it was given up is kept: it goes on to wait for its time, without a place in the pool
  await vi.waitFor(async () =>
    expect(await running.engine.steps.read(`${id}.0.late`)).toBeDefined(),
  );
  expect(asked.sent).toHaveLength(0);
  answer();
  await vi.waitFor(() => expect(sent()).toEqual(['REPLY_TIMEOUT']), 6_000);
  const { broker } = running.engine;
  const { state } = await broker.manager.streams.info(broker.names.waiting.stream);
  // it ran again at least once: on a busy machine the call was given up before it had left its place
  expect(state.last_seq).toBeGreaterThanOrEqual(1);
});

test.concurrent('steps live as long as their message is open, also those of an earlier version', async () => {
  const nats = await ownProduction();
  const { made, deliver, sent } = await orders(
    nats.data,
    `await context.send('out', 'once'); await context.sleep(60 * 86_400_000);`,
  );
  await using broker = await connectBroker({ ...nats, role: 'test' });
  await new Kvm(broker.jetstream).create(broker.names.steps, { history: 1, ttl: 7 * 86_400_000 });
  await using running = await runOwn(nats, made);
  const { config } = await broker.manager.streams.info(`KV_${broker.names.steps}`);
  expect(config.max_age).toBe(0);
  await deliver('x');
  await vi.waitFor(async () => expect(await waitingIn(running)).toBe(1), 5_000);
  const { steps, waiting, leases: _, ...engine } = running.engine;
  await steps.write('77.0.done', { fingerprint: '', at: 0 });
  const ids = new Set<number>();
  const over = new AbortController();
  setTimeout(() => over.abort(), 500);
  for await (const { id } of waiting.sleepers(over.signal)) ids.add(id);
  const sweep = () =>
    sweepSteps(
      { broker: engine.broker, steps },
      { old: -1, isWaiting: (id) => ids.has(id), skipped: [] },
    );
  expect(await sweep()).toBe(1);
  const [id = 0] = ids;
  expect(await steps.read('77.0.done')).toBeUndefined();
  expect(await steps.read(`${id}.0.done`)).toBeDefined();
  expect(sent()).toEqual(['once']);
});

test.concurrent('a person ends a message that waits', async () => {
  const nats = await ownProduction();
  const { made, deliver } = await orders(nats.data, `await context.sleep(86_400_000);`);
  await using running = await runOwn(nats, made);
  const { messageId: id } = await deliver('x');
  await vi.waitFor(async () => expect(await waitingIn(running)).toBe(1), 5_000);
  await discard(running, id);
  expect(await waitingIn(running)).toBe(0);
});

test.concurrent('a person ends a message that waits while one before it is still at work: it never comes back', async () => {
  const nats = await ownProduction();
  const gate = join(nats.data, 'gate');
  const { made, deliver, sent } = await orders(
    nats.data,
    `const { existsSync } = await import('node:fs');
     const text = Buffer.from(await message.bytes()).toString();
     if (text === 'waits') await context.sleep(86_400_000);
     while (!existsSync(${JSON.stringify(gate)})) await new Promise((go) => setTimeout(go, 20));
     await context.send('out', text);`,
  );
  await using running = await runOwn(nats, made);
  await using trace = await traced(nats, { folder: nats.data, production: nats.production });
  await deliver('at work');
  const { messageId: id, sessionId } = await deliver('waits');
  await vi.waitFor(async () => expect(await waitingIn(running)).toBe(1), 5_000);
  await discard(running, id);
  expect(await waitingIn(running)).toBe(0);
  await writeFile(gate, '');
  await vi.waitFor(() => expect(sent()).toEqual(['at work']));
  await vi.waitFor(async () => {
    const { messages = [] } = (await trace.store.session(sessionId)) ?? {};
    expect(messages.map(({ status }) => status)).toEqual(['discarded']);
  });
});

test.concurrent('the trace shows a waiting message as open, and its end as it was', async () => {
  const nats = await ownProduction();
  const { made, deliver, answer } = await orders(
    nats.data,
    `await context.call('asked', 'q', { timeout: 60_000 });`,
  );
  await using running = await runOwn(nats, made);
  await using trace = await traced(nats, {
    folder: nats.data,
    production: nats.production,
    reconcileEvery: 100,
  });
  const { sessionId } = await deliver('x');
  await vi.waitFor(async () => expect(await waitingIn(running)).toBe(1), 5_000);
  const statuses = async () =>
    ((await trace.store.session(sessionId))?.messages ?? [])
      .filter(({ target }) => target === 'orders')
      .map(({ status, warning, setAside }) => [status, warning, setAside]);
  await vi.waitFor(async () => {
    expect(await statuses()).toEqual([['queued', undefined, true]]);
  });
  answer();
  await vi.waitFor(async () => {
    expect(await statuses()).toEqual([['completed', undefined, undefined]]);
  }, 5_000);
});

test.concurrent('hundreds wake at once, each once', async () => {
  const nats = await ownProduction();
  const wake = Date.now() + 4_000;
  const { made, deliver, sent } = await orders(
    nats.data,
    `await context.sleep(${wake} - message.created);
     await context.send('out', Buffer.from(await message.bytes()).toString());`,
    { pool: 32 },
  );
  await using running = await runOwn(nats, made);
  const texts = Array.from({ length: 300 }, (_, n) => String(n));
  await deliver('first');
  await Promise.all(texts.map((text) => deliver(text)));
  await vi.waitFor(() => expect(sent()).toHaveLength(301), 30_000);
  expect(new Set(sent()).size).toBe(301);
  await vi.waitFor(async () => expect(await waitingIn(running)).toBe(0), 10_000);
});

test.concurrent('what waits is woken by another engine once the one that kept the time is gone', async () => {
  const nats = await ownProduction();
  const { made, deliver, sent } = await orders(
    nats.data,
    `await context.sleep(4_000); await context.send('out', 'woken');`,
  );
  const first = await runOwn(nats, made);
  await using second = await runOwn(nats, made);
  await deliver('x');
  await vi.waitFor(async () => expect(await waitingIn(second)).toBe(1), 3_000);
  await first.stop();
  await vi.waitFor(() => expect(sent()).toEqual(['woken']), 12_000);
  await vi.waitFor(async () => expect(await waitingIn(second)).toBe(0));
});
