import { expect, test, vi } from 'vitest';
import { names } from '../../src/broker/names.ts';
import { type Credentials, credentials } from '../../src/credential/credentials.ts';
import type { CredentialEntry, Definition } from '../../src/definition/definition.ts';
import { leftProductions } from '../../src/engine/left-queues.ts';
import { reloader } from '../../src/engine/reload.ts';
import { silentLogger } from '../../src/log/logger.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { expressionOf } from '../support/expression-of.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const text = (value: string) => ({ body: Buffer.from(value), type: 'text/plain' });

const account = (password: string): ReadonlyMap<string, CredentialEntry> =>
  new Map([
    ['account', { name: 'account', kind: 'basic', values: { user: 'u', password }, files: [] }],
  ]) as unknown as ReadonlyMap<string, CredentialEntry>;

/** A production whose title says which files it was read from. */
function files() {
  const from = testInbound();
  const to = testOutbound();
  const read = (title: string, password = title, hosts = ['out']): Definition => ({
    ...definition({
      services: [serviceDefinition('in', from, { to: hosts.slice(0, 1) })],
      operations: ['out', 'other'].flatMap((name) =>
        hosts.includes(name) || name === 'other'
          ? [operationDefinition(name, to, { enabled: name === 'other' })]
          : [],
      ),
    }),
    title,
    credentials: account(password),
  });
  return { from, to, read };
}

const passwordOf = async (known: Credentials): Promise<unknown> => {
  const got = await known.get('account');
  return 'password' in got ? got.password : undefined;
};

test('reloads take turns: what is applied last is what the files said last, and is what is shown', async () => {
  await using nats = await startNats();
  const { read } = files();
  await using running = await run(nats, read('first'));
  const { director, engine } = running;
  const known = credentials(account('first'), { log: silentLogger, folder: '/' });
  const slow = Promise.withResolvers<Definition>();
  const reads = [() => slow.promise, async () => read('third')];
  const reload = reloader({
    director,
    broker: engine.broker,
    credentials: known,
    read: async () => ({ definition: await reads.shift()?.(), problems: [] }) as never,
  });
  const one = reload({ dryRun: false, by: 'one' });
  const other = reload({ dryRun: false, by: 'other' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  slow.resolve(read('second'));
  await Promise.all([one, other]);
  expect(director.definition.title).toBe('third');
  expect(await passwordOf(known)).toBe('third');
});

test('an apply that fails changes nothing, the credentials neither', async () => {
  await using nats = await startNats();
  const { read } = files();
  await using running = await run(nats, read('first'));
  const { director, engine } = running;
  const known = credentials(account('first'), { log: silentLogger, folder: '/' });
  const next = read('second');
  const tooMuch = { ...next, settings: { ...next.settings, queueLimit: 900 * 1024 ** 4 } };
  const reload = reloader({
    director,
    broker: engine.broker,
    credentials: known,
    read: async () => ({ definition: tooMuch, problems: [] }),
  });
  await expect(reload({ dryRun: false, by: 'test' })).rejects.toThrow(/no space to reserve/);
  expect(director.definition.title).toBe('first');
  expect(await passwordOf(known)).toBe('first');
});

test('a host for which messages wait is not taken out before somebody says that they stay', async () => {
  await using nats = await startNats();
  const { from, to, read } = files();
  await using running = await run(nats, read('first'));
  const { director, engine } = running;
  await vi.waitFor(() => from.deliver(text('1')));
  await from.deliver(text('2'));
  let now = read('second', 'x', ['other']);
  const reload = reloader({
    director,
    broker: engine.broker,
    credentials: credentials(account('x'), { log: silentLogger, folder: '/' }),
    read: async () => ({ definition: now, problems: [] }),
  });
  // another production would have other queues
  const renamed = { ...now, name: 'renamed' };
  const { broker } = engine;
  const other = { ...broker, production: 'renamed', names: names('renamed') };
  now = renamed;
  for (const dryRun of [true, false]) {
    await expect(reload({ dryRun, by: 'test' })).rejects.toThrow(
      /^the files name the production renamed, but \w+ runs: /,
    );
  }
  expect(await leftProductions(other)).toMatchObject([
    { production: director.definition.name, queues: [{ host: 'out', depth: 2 }], suspended: 0 },
  ]);
  expect(await leftProductions(broker)).toEqual([]);
  now = read('second', 'x', ['other']);
  const shown = await reload({ dryRun: true, by: 'test' });
  expect(shown.waiting).toMatchObject([{ host: 'out', depth: 2 }]);
  await expect(reload({ dryRun: false, by: 'test' })).rejects.toMatchObject({
    code: 'MESSAGES_WAITING',
    message: expect.stringMatching(/^2 messages wait for out: .*--leave-waiting/),
  });
  expect(director.definition.title).toBe('first');
  const { operations, ...others } = read('second', 'x', []);
  const process = { ...read('first').operations.get('out'), kind: 'process', run: 'queued' };
  now = { ...others, operations, processes: new Map([['out', process]]) } as unknown as Definition;
  await expect(reload({ dryRun: false, by: 'test' })).rejects.toMatchObject({
    code: 'MESSAGES_WAITING',
    message: expect.stringMatching(
      /^2 messages wait for out: .* process would get them as they are/,
    ),
  });
  now = read('second', 'x', ['other']);
  await expect(
    reload({ dryRun: false, by: 'test', leaveWaiting: true, expected: 'other files' }),
  ).rejects.toMatchObject({ code: 'CONFIG_CHANGED' });

  await reload({ dryRun: false, by: 'test', leaveWaiting: true, expected: shown.version });
  expect(director.definition.title).toBe('second');
  now = read('third', 'x', ['out']);
  await reload({ dryRun: false, by: 'test' });
  await director.switchOn('out');
  await vi.waitFor(() => expect(to.sent).toHaveLength(2));
});

test('a start with files in which a host is of another kind holds its line until somebody decides', async () => {
  await using nats = await startNats();
  const { from, to, read } = files();
  const inner = read('first');
  const asOperation = {
    ...inner,
    operations: new Map(
      [...inner.operations].map(([name, of]) => [name, { ...of, enabled: true }]),
    ),
  };
  const { operations: _, ...others } = asOperation;
  // its queue is another one, whose streams stay for a while
  const process = processDefinition('out', {
    run: 'queued',
    rules: [],
    order: { byKey: expressionOf(`"x"`), partitions: 2 },
  });
  const asProcess = {
    ...others,
    operations: new Map(),
    processes: new Map([['out', process]]),
  } as Definition;
  const held = async (given: Definition): Promise<string | undefined> => {
    await using running = await run(nats, given);
    const off = await running.director.switchedOff('out');
    const status = running.director.statuses().find(({ host }) => host === 'out');
    expect(status?.state).toBe(off === undefined ? 'running' : 'stopped');
    return off?.reason;
  };
  {
    await using running = await run(nats, asProcess);
    await running.director.switchOff('out', { by: 'test', at: 1, reason: 'test' });
    await vi.waitFor(() => from.deliver(text('1')));
    await running.engine.state.switchOn('out');
  }
  const reason =
    /^1 message waits for out, stored when it was another kind of host \(process\); the operation would get them/;
  expect(await held(asOperation)).toMatch(reason);
  // also a second time, but not for what it was stored for
  expect(await held(asOperation)).toMatch(reason);
  expect(to.sent).toHaveLength(0);
  {
    await using running = await run(nats, asOperation);
    const { director, engine } = running;
    const reload = reloader({
      director,
      broker: engine.broker,
      credentials: credentials(account('x'), { log: silentLogger, folder: '/' }),
      read: async () => ({ definition: { ...asOperation, title: 'second' }, problems: [] }),
    });
    // a change of something else does not ask, and starts nothing
    await reload({ dryRun: false, by: 'test' });
    expect(await director.switchedOff('out')).toMatchObject({ by: 'waybill' });
    await director.switchOn('out');
    await vi.waitFor(() => expect(to.sent).toHaveLength(1));
    expect(await director.switchedOff('out')).toBeUndefined();
    await director.switchOff('out', { by: 'test', at: 1, reason: 'test' });
    await from.deliver(text('2'));
  }
  // what was decided stays decided, also while what it was made for before is there
  expect(await held(asOperation)).toBe('test');
});

test('what is looked at because something may have been saved is applied only where it says something else', async () => {
  await using nats = await startNats();
  const { read } = files();
  const first = {
    ...read('first'),
    source: { ...read('first').source, digests: new Map([['a', '1']]) },
  };
  await using running = await run(nats, first);
  const { director, engine } = running;
  const applied = vi.fn<() => void>();
  let now = first;
  const reload = reloader({
    director,
    broker: engine.broker,
    credentials: credentials(account('first'), { log: silentLogger, folder: '/' }),
    read: async () => ({ definition: { ...now }, problems: [] }),
    applied,
  });
  await reload({ dryRun: false, by: 'test', ifChanged: true });
  expect(applied).not.toHaveBeenCalled();
  expect(director.definition).toBe(first);
  // a file that a difference does not show, as one that code imports
  now = { ...first, source: { ...first.source, digests: new Map([['a', '2']]) } };
  await reload({ dryRun: false, by: 'test', ifChanged: true });
  expect(applied).toHaveBeenCalledTimes(1);
  await reload({ dryRun: false, by: 'test' });
  expect(applied).toHaveBeenCalledTimes(2);
});
