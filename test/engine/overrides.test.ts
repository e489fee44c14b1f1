import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { overrideStore } from '../../src/broker/overrides.ts';
import { state as stateOf } from '../../src/broker/state.ts';
import { followOverrides } from '../../src/engine/overrides.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { hostLogs, rootLogger } from '../../src/log/logger.ts';
import { definition as definitionOf, operationDefinition } from '../support/definition.ts';
import { startNats } from '../support/nats.ts';
import { sampleOut } from '../support/production.ts';
import { run } from '../support/running.ts';

const definition = definitionOf({
  services: [],
  operations: [operationDefinition('out', sampleOut)],
});

test('every engine follows an override, and one that starts later too', async () => {
  await using nats = await startNats();
  await using first = await run(nats, definition);
  await using second = await run(nats, definition);
  const at = Date.now();
  const hold = {
    host: 'out',
    kind: 'hold',
    by: 'ada',
    reason: 'moves',
    at,
    until: at + 60_000,
  } as const;
  await first.director.override(hold, hold);
  const states = (running: typeof first): string[] =>
    running.director.statuses().map(({ state }) => state);
  expect(states(first)).toEqual(['stopped']);
  await vi.waitFor(() => expect(states(second)).toEqual(['stopped']), 8_000);
  await using third = await run(nats, definition);
  expect(states(third)).toEqual(['stopped']);
  expect(third.director.overridesOf('out')).toEqual([hold]);
  await third.director.override(hold);
  expect(states(third)).toEqual(['running']);
  await vi.waitFor(() => expect(states(first)).toEqual(['running']), 8_000);
});

test('a change that could not be followed, since NATS did not answer, comes again; others are not held up', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'held', role: 'test' });
  const { kv } = await stateOf(broker);
  const store = overrideStore(kv);
  const at = Date.now();
  const given = { kind: 'hold', by: 'ada', reason: 'moves', at, until: at + 60_000 } as const;
  const seen: string[] = [];
  let isAway = true;
  const following = await followOverrides(store, async (now, before) => {
    const host = (now ?? before)?.host ?? '';
    if (host === 'lab' && isAway) {
      throw new EngineError('BROKER_UNAVAILABLE', 'NATS does not answer', { retryable: true });
    }
    seen.push(`${host} ${now === undefined ? 'goes on' : 'held'}`);
  });
  await store.put({ ...given, host: 'lab' });
  await store.put({ ...given, host: 'ward' });
  await expect(following.refresh()).rejects.toThrow('NATS does not answer');
  expect(seen).toEqual(['ward held']);
  isAway = false;
  await following.refresh();
  await store.remove('lab', 'hold');
  isAway = true;
  await expect(following.refresh()).rejects.toThrow('NATS does not answer');
  expect(following.find('lab', 'hold')).toBeDefined();
  isAway = false;
  await following.refresh();
  expect(seen).toEqual(['ward held', 'lab held', 'lab goes on']);
  expect(following.of('lab')).toEqual([]);
  await following.close();
});

test('the level of one host is changed and put back while it runs', () => {
  const lines: string[] = [];
  const logs = hostLogs(rootLogger('info', { write: (line) => void lines.push(line) }));
  const tell = (): void => {
    logs.of('ward').debug('ward');
    logs.of('lab').debug('lab');
  };
  tell();
  logs.setLevel('ward', 'debug');
  tell();
  logs.setLevel('ward', undefined);
  tell();
  expect(lines.map((line) => (JSON.parse(line) as { host: string }).host)).toEqual(['ward']);
});
