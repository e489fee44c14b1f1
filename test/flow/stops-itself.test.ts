import { expect, test, vi } from 'vitest';
import { rootLogger } from '../../src/log/logger.ts';
import { operationDefinition } from '../support/definition.ts';
import { given } from '../support/given.ts';
import { testOutbound } from '../support/loopback-adapter.ts';

test('an operation that stops itself is off although that cannot be written down, tells so, and writes it later', async () => {
  let code = 'AE';
  const answer = () => ({ body: Buffer.from(''), type: 'text/plain', code });
  const told: { event: string; host: string }[] = [];
  const log = rootLogger('info', { write: (line) => told.push(JSON.parse(line)) });
  await using line = await given({ operations: { out: { answer, replies: { AE: 'stop' } } }, log });
  const { director, engine } = line;
  const { manager, names } = engine.broker;
  const limit = (max_bytes: number) => manager.streams.update(`KV_${names.state}`, { max_bytes });
  const events = () => told.filter(({ host }) => host === 'out').map(({ event }) => event);
  await vi.waitFor(() => expect(line.status()?.connection).toBe('connected'));
  await limit(1);
  await line.come('1');
  await vi.waitFor(() => expect(events()).toContain('switch-not-kept'));
  expect(line.status()?.state).toBe('stopped');
  expect(await director.switchedOff('out')).toMatchObject({ by: 'waybill' });
  expect(await engine.state.switchedOff('out')).toBeUndefined();
  // neither a change of the production nor the message itself starts it again
  await director.apply(director.definition, ['in']);
  expect(line.status()?.state).toBe('stopped');

  await limit(-1);
  await vi.waitFor(() => expect(events()).toContain('switch-kept'), 10_000);
  expect(await engine.state.switchedOff('out')).toMatchObject({ by: 'waybill' });
  code = 'AA';
  await director.switchOn('out');
  await vi.waitFor(() => expect(line.sent()).toHaveLength(2), 15_000);
});

test('a host that is switched on while the production is changed runs as it is after the change', async () => {
  await using production = await given();
  const { director } = production;
  const later = testOutbound();
  const { definition } = director;
  const next = { ...definition, operations: new Map([['out', operationDefinition('out', later)]]) };
  const switched = Promise.withResolvers<void>();
  await director.apply(next, ['out'], {
    // its turn comes between the stop of the host and its start
    ready: async () => {
      setImmediate(() => {
        void director.switchOn('out').then(switched.resolve, switched.reject);
      });
    },
  });
  await switched.promise;
  await production.come('a');
  await vi.waitFor(() => expect(later.sent).toHaveLength(1));
  expect(production.arrived()).toEqual([]);
});
