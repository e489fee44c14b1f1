import { expect, test, vi } from 'vitest';
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
}, 30_000);

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
