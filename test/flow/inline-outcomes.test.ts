import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { rootLogger } from '../../src/log/logger.ts';
import type { RuleSet } from '../../src/rule/rule.ts';
import { given } from '../support/given.ts';
import { startNats } from '../support/nats.ts';

const otherwise = (what: RuleSet['otherwise']): readonly RuleSet[] => [
  { name: 'rules', rules: [], otherwise: what },
];

test('a message that an inline process discards, suspends or fails at counts at that process and is a log event', async () => {
  await using nats = await startNats();
  const failing = join(nats.data, 'failing.mjs');
  await writeFile(failing, `export default () => Promise.reject(new Error('cannot'));\n`);
  const rejecting = join(nats.data, 'rejecting.mjs');
  await writeFile(rejecting, `export default () => ({ body: 'no', code: 'AR' });\n`);
  const lines: string[] = [];
  await using running = await given({
    nats,
    log: rootLogger('debug', { write: (line: string) => void lines.push(line) }),
    to: ['discards', 'suspends', 'fails', 'passes', 'rejects', 'later'],
    processes: {
      discards: { rules: otherwise('discard') },
      suspends: { rules: otherwise('suspend') },
      fails: { code: failing },
      rejects: { code: rejecting },
      later: { code: rejecting, run: 'queued' },
      passes: { rules: otherwise([{ to: 'out', transforms: [] }]) },
    },
  });
  const { messageId } = await running.comes('a');
  const figures = await running.metrics.text();
  const told = lines
    .map((line) => JSON.parse(line))
    .filter((one) => one.event === 'message-settled');
  for (const [host, status, level] of [
    ['discards', 'discarded', 'debug'],
    ['suspends', 'suspended', 'warn'],
    ['fails', 'suspended', 'warn'],
    ['passes', 'completed', 'debug'],
    ['rejects', 'discarded', 'debug'],
  ] as const) {
    expect(figures).toContain(
      `waybill_messages_settled_total{production="test",host="${host}",status="${status}"} 1`,
    );
    expect(told).toContainEqual(
      expect.objectContaining({ host, status, level, sessionId: messageId }),
    );
  }
  // what its own queue brings to it, as a filter of an imported channel does
  await vi.waitFor(async () =>
    expect(await running.outcomes()).toContainEqual(
      expect.objectContaining({ host: 'later', status: 'discarded' }),
    ),
  );
});

test('a repetition is not counted a second time', async () => {
  await using nats = await startNats();
  const production = {
    nats,
    to: ['passes'],
    processes: { passes: { rules: otherwise([{ to: 'out', transforms: [] }]) } },
  };
  const message = { body: Buffer.from('a'), type: 'text/plain', dedupeKey: '1' };
  const first = await given(production);
  await first.come(message);
  await first.stop();
  // an engine that remembers nothing: JetStream tells that the message is stored
  await using second = await given(production);
  expect((await second.comes(message)).status).toBe('duplicate');
  expect(await second.metrics.text()).not.toContain('host="passes",status="completed"');
});
