import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { outcomeTail } from '../../src/broker/outcome-tail.ts';
import { type RunningProduction, runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import type { OutcomeRecord } from '../../src/message/record.ts';
import {
  admission,
  mllpReceiver,
  type ScriptedAnswer,
  sendUntilAcknowledged,
} from '../support/mllp-peers.ts';
import { productionFolder } from '../support/production.ts';

async function outcomesAt(running: RunningProduction, host: string): Promise<OutcomeRecord[]> {
  await running.engine.outcomes.flush();
  const found: OutcomeRecord[] = [];
  for await (const { record } of outcomeTail(running.broker, 120_000)) {
    if (record.kind === 'outcome' && record.host === host) found.push(record);
  }
  return found;
}

test('a receiver that is down, refuses, talks nonsense or falls silent gets what its rules say, and delays nobody else', async () => {
  const [port, troubled] = [await freePort(), await freePort()];
  await using healthy = await mllpReceiver();
  await using folder = await productionFolder({
    'production.yaml': `production: trouble
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}" }, to: [troubled, healthy] }
operations:
  troubled:
    adapter: mllp-out
    settings: { connect: "127.0.0.1:${troubled}", ackTimeout: 2s }
    retry: { every: 100ms, for: forever }
    replies: { AE: suspend, AR: retry, other: suspend, none: retry }
  healthy: { adapter: mllp-out, settings: { connect: "127.0.0.1:${healthy.port}" } }
`,
  });
  await using running = await runProduction({
    folder: folder.path,
    data: join(folder.path, 'data'),
    durability: 'process-crash',
    log: silentLogger,
  });
  const ids = Array.from({ length: 12 }, (_, n) => `T${n}`);
  await sendUntilAcknowledged(port, ids.slice(0, 6).map(admission), () => undefined);
  await vi.waitFor(() => expect(healthy.received).toHaveLength(6));
  expect(await outcomesAt(running, 'troubled')).toHaveLength(0);

  const tries = new Map<string, number>();
  const script: Record<string, ScriptedAnswer[]> = {
    T0: ['AA'],
    T1: ['AE'],
    T2: ['AR', 'AR', 'AA'],
    T3: [Buffer.from('\u000bthis is not HL7\u001c\r'), 'AA'],
    T4: ['silence', 'AA'],
    T5: ['close-in-answer', 'AA'],
    T6: ['close', 'AA'],
  };
  await using peer = await mllpReceiver(({ controlId }) => {
    const n = tries.get(controlId) ?? 0;
    tries.set(controlId, n + 1);
    return script[controlId]?.[n] ?? 'AA';
  }, troubled);
  await sendUntilAcknowledged(port, ids.slice(6).map(admission), () => undefined);

  await vi.waitFor(
    async () => expect(await outcomesAt(running, 'troubled')).toHaveLength(12),
    20_000,
  );
  const outcomes = await outcomesAt(running, 'troubled');
  expect(outcomes.map(({ status }) => status)).toEqual([
    'completed', // T0, when the receiver came up
    'suspended', // T1: AE
    'completed', // T2: AR twice, then AA
    'suspended', // T3: nonsense, which has no code
    'completed', // T4: no answer, then AA
    'completed', // T5: closed in the middle of the answer, then AA
    'completed', // T6: closed without an answer, then AA
    ...Array.from({ length: 5 }, () => 'completed'),
  ]);
  expect(outcomes[1]?.reply?.code).toBe('AE');
  expect(outcomes[2]?.attempts).toBe(3);
  const order = peer.received.map(({ controlId }) => controlId);
  expect([...new Set(order)]).toEqual(ids);
  const times = (id: string): number => order.filter((one) => one === id).length;
  expect(['T0', 'T1', 'T2', 'T3', 'T4', 'T5', 'T6', 'T7'].map(times)).toEqual([
    1, 1, 3, 1, 2, 2, 2, 1,
  ]);
  expect(healthy.received.map(({ controlId }) => controlId)).toEqual(ids);
});
