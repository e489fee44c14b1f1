import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { rootLogger } from '../../src/log/logger.ts';
import type { RuleSet } from '../../src/rule/rule.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const otherwise = (what: RuleSet['otherwise']): readonly RuleSet[] => [
  { name: 'rules', rules: [], otherwise: what },
];

test('a message that an inline process discards, suspends or fails at counts at that process and is a log event', async () => {
  await using nats = await startNats();
  const failing = join(nats.data, 'failing.mjs');
  await writeFile(failing, `export default () => Promise.reject(new Error('cannot'));\n`);
  const from = testInbound();
  const lines: string[] = [];
  await using running = await run(
    nats,
    definition({
      services: [
        serviceDefinition('in', from, { to: ['discards', 'suspends', 'fails', 'passes'] }),
      ],
      processes: [
        processDefinition('discards', { rules: otherwise('discard') }),
        processDefinition('suspends', { rules: otherwise('suspend') }),
        processDefinition('fails', { code: failing }),
        processDefinition('passes', { rules: otherwise([{ to: 'out', transforms: [] }]) }),
      ],
      operations: [operationDefinition('out', testOutbound())],
    }),
    rootLogger('debug', { write: (line: string) => void lines.push(line) }),
  );
  const { messageId } = await vi.waitFor(() =>
    from.deliver({ body: Buffer.from('a'), type: 'text/plain' }),
  );
  const figures = await running.metrics.text();
  const told = lines
    .map((line) => JSON.parse(line))
    .filter((one) => one.event === 'message-settled');
  for (const [host, status, level] of [
    ['discards', 'discarded', 'debug'],
    ['suspends', 'suspended', 'warn'],
    ['fails', 'suspended', 'warn'],
    ['passes', 'completed', 'debug'],
  ] as const) {
    expect(figures).toContain(
      `waybill_messages_settled_total{production="test",host="${host}",status="${status}"} 1`,
    );
    expect(told).toContainEqual(
      expect.objectContaining({ host, status, level, sessionId: messageId }),
    );
  }
});

test('a repetition is not counted a second time', async () => {
  await using nats = await startNats();
  const from = testInbound();
  const made = () =>
    definition({
      services: [serviceDefinition('in', from, { to: ['passes'] })],
      processes: [
        processDefinition('passes', { rules: otherwise([{ to: 'out', transforms: [] }]) }),
      ],
      operations: [operationDefinition('out', testOutbound())],
    });
  const message = { body: Buffer.from('a'), type: 'text/plain', dedupeKey: '1' };
  const first = await run(nats, made());
  await vi.waitFor(() => from.deliver(message));
  await first.stop();
  // an engine that remembers nothing: JetStream tells that the message is stored
  await using second = await run(nats, made());
  const again = await vi.waitFor(() => from.deliver(message));
  expect(again.status).toBe('duplicate');
  expect(await second.metrics.text()).not.toContain('host="passes",status="completed"');
});
