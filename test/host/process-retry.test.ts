import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { ProcessDefinition } from '../../src/definition/definition.ts';
import { TemporaryError } from '../../src/error/adapter-error.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import type { LookupTables } from '../../src/lookup/lookup-tables.ts';
import { readRuleSets } from '../../src/rule/read-rule-sets.ts';
import type { Transform } from '../../src/transform/transform.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { ownProductions, runOwn } from '../support/own-production.ts';
import type { Running } from '../support/running.ts';
import { environment } from '../support/subject-message.ts';
import { traced } from '../support/traced.ts';

const ownProduction = ownProductions();

const POLICY = { every: 60, for: 20_000, backoff: 1, max: 1_000, disconnected: Infinity };

const down = (retryAfter = 60) => new TemporaryError('the registry is down', { retryAfter });

/** A production whose code asks a table that answers as `answers` says, before its step `out` and after its step `first`. */
async function set(
  folder: string,
  lookup: LookupTables['lookup'],
  { body = CODE, ...rest }: Partial<ProcessDefinition> & { readonly body?: string } = {},
) {
  const code = join(folder, `process-${Math.random()}.ts`);
  await writeFile(code, `export default async (message, context) => {\n${body}\n};\n`);
  const from = testInbound();
  const first = testOutbound();
  const out = testOutbound();
  const made = definition({
    services: [serviceDefinition('in', from, { to: ['letters'] })],
    processes: [processDefinition('letters', { code, run: 'queued', retry: POLICY, ...rest })],
    operations: [operationDefinition('first', first), operationDefinition('out', out)],
    rest: { lookups: { names: ['registry'], lookup } },
  });
  return { made, from, first, out };
}

const CODE = `
  const text = Buffer.from(await message.bytes()).toString();
  await context.send('first', text);
  await context.send('out', text + context.lookup('registry', text));`;

const texts = (to: ReturnType<typeof testOutbound>): string[] =>
  to.sent.map(({ body }) => Buffer.from(body.inline ?? []).toString());

const deliver = (from: ReturnType<typeof testInbound>, text: string) =>
  vi.waitFor(() => from.deliver({ body: Buffer.from(text), type: 'text/plain' }));

const letters = ({ director }: Running) =>
  director.statuses().find(({ host }) => host === 'letters');

test.concurrent('a process whose registry is down is tried again in its place, without a step done twice', async () => {
  const nats = await ownProduction();
  let tries = 0;
  const { made, from, first, out } = await set(
    nats.data,
    () => {
      // the third try comes when the second has been looked at
      if (++tries < 4) throw down(tries === 2 ? 60_000 : 60);
      return '!';
    },
    { retry: { ...POLICY, for: 120_000 } },
  );
  await using running = await runOwn(nats, made);
  await using trace = await traced(nats, { folder: nats.data, production: nats.production });
  const { sessionId } = await deliver(from, 'a');
  await vi.waitFor(() => expect(letters(running)?.retrying).toMatchObject({ attempt: 2 }), 5_000);
  expect(letters(running)?.lastError).toMatchObject({ text: 'the registry is down' });
  await deliver(from, 'b');
  running.director.retryNow('letters');
  await vi.waitFor(() => expect(texts(out)).toEqual(['a!', 'b!']), 5_000);
  expect(texts(first)).toEqual(['a', 'b']);
  expect(letters(running)?.retrying).toBeUndefined();
  await vi.waitFor(async () => {
    const session = await trace.store.session(sessionId);
    const process = session?.messages.find(({ target }) => target === 'letters');
    expect(process).toMatchObject({ status: 'completed', attempts: 4 });
    expect(session?.attempts.map(({ attempt, error }) => [attempt, error?.text])).toEqual(
      [1, 2, 3].map((n) => [n, 'the registry is down']),
    );
  }, 5_000);
});

test.concurrent('the wait that an error asks for is kept, and a person may cut it short', async () => {
  const nats = await ownProduction();
  let tries = 0;
  const { made, from, out } = await set(nats.data, () => {
    if (++tries === 1) throw down(15_000);
    return '!';
  });
  await using running = await runOwn(nats, made);
  await deliver(from, 'a');
  await vi.waitFor(() => expect(letters(running)?.retrying?.attempt).toBe(1), 5_000);
  expect((letters(running)?.retrying?.next ?? 0) - Date.now()).toBeGreaterThan(10_000);
  running.director.retryNow('letters');
  await vi.waitFor(() => expect(texts(out)).toEqual(['a!']), 5_000);
});

test.concurrent('a message whose time is used up is suspended with its tries, and the line goes on', async () => {
  const nats = await ownProduction();
  let tries = 0;
  const { made, from, out } = await set(
    nats.data,
    (_, key) => {
      if (key !== 'a') return '!';
      tries += 1;
      throw down();
    },
    { retry: { ...POLICY, for: 150 } },
  );
  await using _ = await runOwn(nats, made);
  await using trace = await traced(nats, { folder: nats.data, production: nats.production });
  const { sessionId } = await deliver(from, 'a');
  await deliver(from, 'b');
  await vi.waitFor(() => expect(texts(out)).toEqual(['b!']), 5_000);
  await vi.waitFor(async () => {
    const session = await trace.store.session(sessionId);
    const process = session?.messages.find(({ target }) => target === 'letters');
    expect(process).toMatchObject({ status: 'suspended', attempts: tries });
  }, 5_000);
  // more than once, and no longer than its time
  expect([2, 3]).toContain(tries);
});

test.concurrent.each([
  ['its own error', `throw new Error('x');`],
  ['a call without an answer', `await context.call('silent', 'x', { timeout: 100 });`],
  ['a table that there is not', `context.lookup('registry', 'x');`],
])('%s suspends at once', async (_, body) => {
  const nats = await ownProduction();
  const { made, from } = await set(
    nats.data,
    () => {
      throw new EngineError('CONFIG_INVALID', 'there is no table registry');
    },
    { body },
  );
  const silent = operationDefinition(
    'silent',
    testOutbound(
      (_message, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('cut')));
        }),
    ),
  );
  await using running = await runOwn(nats, {
    ...made,
    operations: new Map([...made.operations, ['silent', silent]]),
  });
  await using trace = await traced(nats, { folder: nats.data, production: nats.production });
  const { sessionId } = await deliver(from, 'a');
  await vi.waitFor(async () => {
    const session = await trace.store.session(sessionId);
    const process = session?.messages.find(({ target }) => target === 'letters');
    expect(process).toMatchObject({ status: 'suspended', attempts: 1 });
  }, 5_000);
  expect(letters(running)?.retrying).toBeUndefined();
});

test.concurrent('an order ends a message that is tried again, and what follows goes on', async () => {
  const nats = await ownProduction();
  const { made, from, first, out } = await set(nats.data, (_, key) => {
    if (key === 'a') throw down(15_000);
    return '!';
  });
  await using running = await runOwn(nats, made);
  await deliver(from, 'a');
  await deliver(from, 'b');
  await vi.waitFor(() => expect(letters(running)?.retrying).toBeDefined(), 5_000);
  const id = letters(running)?.retrying?.messageId ?? 0;
  const order = { status: 'discarded', by: 'test', reason: 'not needed' } as const;
  expect(await running.director.endMessage('letters', id, order)).toBe(true);
  await vi.waitFor(() => expect(texts(out)).toEqual(['b!']), 5_000);
  expect(texts(first)).toEqual(['a', 'b']);
});

test.concurrent('a stop does not wait for the next try; the next start tries again and repeats no step', async () => {
  const nats = await ownProduction();
  let isDown = true;
  const { made, from, first, out } = await set(nats.data, () => {
    if (isDown) throw down(15_000);
    return '!';
  });
  const running = await runOwn(nats, made);
  await deliver(from, 'a');
  await vi.waitFor(() => expect(letters(running)?.retrying).toBeDefined(), 5_000);
  const stopped = Date.now();
  await running.stop();
  expect(Date.now() - stopped).toBeLessThan(10_000);
  isDown = false;
  await using _ = await runOwn(nats, made);
  await vi.waitFor(() => expect(texts(out)).toEqual(['a!']), 5_000);
  expect(texts(first)).toEqual(['a']);
});

test.concurrent('a queued router whose transform fails for a while is tried again, and sends once', async () => {
  const nats = await ownProduction();
  let tries = 0;
  const { made, from, first, out } = await set(nats.data, () => '');
  const rules = readRuleSets(
    [{ name: 'all', send: [{ to: 'first' }, { to: 'out', transform: 'named' }] }],
    [],
    { environment, problem: (_, text) => expect.fail(text), unknown: () => undefined },
  );
  const named: Transform = {
    name: 'named',
    apply({ message: { type } }) {
      if (++tries < 3) throw down();
      return [{ body: Buffer.from('made'), type }];
    },
  };
  const router = processDefinition('letters', { run: 'queued', retry: POLICY, rules });
  await using _ = await runOwn(nats, {
    ...made,
    processes: new Map([['letters', router]]),
    transforms: new Map([['named', named]]),
  });
  await deliver(from, 'a');
  await vi.waitFor(() => expect(texts(out)).toEqual(['made']), 5_000);
  await vi.waitFor(() => expect(texts(first)).toEqual(['a']), 5_000);
  expect(tries).toBe(3);
});
