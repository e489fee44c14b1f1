import { expect, test, vi } from 'vitest';
import { rootLogger } from '../../src/log/logger.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const text = (value: string) => ({ body: Buffer.from(value), type: 'text/plain' });

test('an operation that stops itself is off although that cannot be written down, tells so, and writes it later', async () => {
  await using nats = await startNats();
  const from = testInbound();
  let code = 'AE';
  const to = testOutbound(() => ({ body: Buffer.from(''), type: 'text/plain', code }));
  const told: { event: string; host: string }[] = [];
  const log = rootLogger('info', { write: (line) => told.push(JSON.parse(line)) });
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', from, { to: ['out'] })],
      operations: [operationDefinition('out', to, { replies: { AE: 'stop' } })],
    }),
    log,
  );
  const { director, engine } = running;
  const { manager, names } = engine.broker;
  const limit = (max_bytes: number) => manager.streams.update(`KV_${names.state}`, { max_bytes });
  const out = () => director.statuses().find(({ host }) => host === 'out');
  const events = () => told.filter(({ host }) => host === 'out').map(({ event }) => event);
  await vi.waitFor(() => expect(out()?.connection).toBe('connected'));
  await limit(1);
  await from.deliver(text('1'));
  await vi.waitFor(() => expect(events()).toContain('switch-not-kept'));
  expect(out()?.state).toBe('stopped');
  expect(await director.switchedOff('out')).toMatchObject({ by: 'waybill' });
  expect(await engine.state.switchedOff('out')).toBeUndefined();
  // neither a change of the production nor the message itself starts it again
  await director.apply(director.definition, ['in']);
  expect(out()?.state).toBe('stopped');

  await limit(-1);
  await vi.waitFor(() => expect(events()).toContain('switch-kept'), 10_000);
  expect(await engine.state.switchedOff('out')).toMatchObject({ by: 'waybill' });
  code = 'AA';
  await director.switchOn('out');
  await vi.waitFor(() => expect(to.sent).toHaveLength(2), 15_000);
}, 30_000);
