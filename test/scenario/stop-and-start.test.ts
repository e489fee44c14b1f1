import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { outcomeTail } from '../../src/broker/outcome-tail.ts';
import { type RunningProduction, runProduction } from '../../src/cli/run-production.ts';
import { orderAll } from '../../src/control/control.ts';
import { ENGINE } from '../../src/control/verbs.ts';
import { silentLogger } from '../../src/log/logger.ts';
import type { OutcomeRecord } from '../../src/message/record.ts';
import { admission, mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';

const IDS = Array.from({ length: 8 }, (_, n) => `S${n}`);

interface Setting extends AsyncDisposable {
  readonly running: RunningProduction;
  readonly port: number;
  switch(verb: 'start' | 'stop'): Promise<void>;
  outcomes(): Promise<OutcomeRecord[]>;
  /** Ends the engine in order, and starts another one. */
  restart(): Promise<void>;
}

/** One operation `lab` that sends to a port; `rest` are its further lines. */
async function line(lab: number, rest = '', shutdownTimeout = '10s'): Promise<Setting> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-stop-'));
  const port = await freePort();
  await writeFile(
    join(folder, 'production.yaml'),
    `production: stopping
settings: { shutdownTimeout: ${shutdownTimeout} }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}" }, to: [lab] }
operations:
  lab:
    adapter: mllp-out
    settings: { connect: "127.0.0.1:${lab}", ackTimeout: 5s }
    ${rest}
`,
  );
  const start = (): Promise<RunningProduction> =>
    runProduction({
      folder,
      data: join(folder, 'data'),
      durability: 'process-crash',
      log: silentLogger,
    });
  let running = await start();
  return {
    get running() {
      return running;
    },
    port,
    async restart() {
      await running.stop();
      running = await start();
    },
    async switch(verb) {
      await orderAll(running.broker, ENGINE[verb], { host: 'lab', by: 'test' });
    },
    async outcomes() {
      await running.engine.outcomes.flush();
      const found: OutcomeRecord[] = [];
      for await (const { record } of outcomeTail(running.broker, 120_000)) {
        if (record.kind === 'outcome' && record.host === 'lab') found.push(record);
      }
      return found;
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

test('an operation whose peer is down stops at once, and sends everything once and in order after its start', async () => {
  const lab = await freePort();
  await using setting = await line(lab, 'retry: { every: 30s, for: forever }');
  await sendUntilAcknowledged(setting.port, IDS.map(admission), () => undefined);
  await vi.waitFor(() =>
    expect(setting.running.director.statuses().find(({ host }) => host === 'lab')?.inFlight).toBe(
      1,
    ),
  );
  const before = performance.now();
  await setting.switch('stop');
  expect(performance.now() - before).toBeLessThan(15_000);

  await using peer = await mllpReceiver(undefined, lab);
  await setting.switch('start');
  await vi.waitFor(() => expect(peer.received).toHaveLength(IDS.length), 10_000);
  await sleep(300);
  expect(peer.received.map(({ controlId }) => controlId)).toEqual(IDS);
  const outcomes = await setting.outcomes();
  expect(outcomes.map(({ possibleDuplicate }) => possibleDuplicate)).not.toContain(true);
});

test('what is on the wire is finished before a start that was asked for meanwhile', async () => {
  await using peer = await mllpReceiver((_, index) =>
    index === 2 ? { code: 'AA', after: 1_500 } : 'AA',
  );
  await using setting = await line(peer.port);
  await sendUntilAcknowledged(setting.port, IDS.map(admission), () => undefined);
  await vi.waitFor(() => expect(peer.received.length).toBeGreaterThanOrEqual(3));
  await Promise.all([setting.switch('stop'), setting.switch('start'), setting.switch('stop')]);
  await setting.switch('start');
  await vi.waitFor(() => expect(peer.received).toHaveLength(IDS.length), 10_000);
  await sleep(300);
  expect(peer.received.map(({ controlId }) => controlId)).toEqual(IDS);
});

test('a message that a stop cut off is sent again and marked; no other is', async () => {
  await using peer = await mllpReceiver((_, index) => (index === 0 ? 'silence' : 'AA'));
  await using setting = await line(peer.port, '', '500ms');
  await sendUntilAcknowledged(setting.port, IDS.map(admission), () => undefined);
  await vi.waitFor(() => expect(peer.received.length).toBe(1));
  await setting.switch('stop');
  await setting.switch('start');
  await vi.waitFor(async () => expect(await setting.outcomes()).toHaveLength(IDS.length), 10_000);
  expect(peer.received.map(({ controlId }) => controlId)).toEqual(['S0', ...IDS]);
  const marked = (await setting.outcomes()).map(({ possibleDuplicate }) => possibleDuplicate);
  expect(marked[0]).toBe(true);
  expect(marked.slice(3)).not.toContain(true);
});

test.for(['fifo', 'none', '{ by-key: field("PID-3.1"), partitions: 2 }'])(
  'a message that the end of an engine cut off is sent again and marked by the next one (order: %s)',
  async (order) => {
    await using peer = await mllpReceiver((_, index) => (index === 0 ? 'silence' : 'AA'));
    await using setting = await line(peer.port, `order: ${order}`, '500ms');
    await sendUntilAcknowledged(setting.port, [admission('S0')], () => undefined);
    await vi.waitFor(() => expect(peer.received.length).toBe(1));
    await setting.restart();
    await vi.waitFor(async () => expect(await setting.outcomes()).toHaveLength(1));
    await sendUntilAcknowledged(setting.port, [admission('S1')], () => undefined);
    await vi.waitFor(async () => expect(await setting.outcomes()).toHaveLength(2));
    expect(peer.received.map(({ controlId }) => controlId)).toEqual(['S0', 'S0', 'S1']);
    const marked = (await setting.outcomes()).map(({ possibleDuplicate }) => possibleDuplicate);
    expect(marked).toEqual([true, undefined]);
  },
);

test('a message waits for a connection as long as `disconnected` says, whatever `for` is', async () => {
  const lab = await freePort();
  const rest = 'retry: { every: 100ms, for: 200ms, disconnected: 700ms }';
  await using setting = await line(lab, rest);
  await sendUntilAcknowledged(setting.port, [admission('S0')], () => undefined);
  await vi.waitFor(async () => expect(await setting.outcomes()).toHaveLength(1), 10_000);
  const [outcome] = await setting.outcomes();
  expect(outcome?.status).toBe('error');
  expect(outcome?.error?.code).toBe('ADAPTER_NOT_CONNECTED');
  expect(outcome?.error?.text).toContain('retry.disconnected');
  const waited = (outcome?.done ?? 0) - (outcome?.started ?? 0);
  expect(waited).toBeGreaterThanOrEqual(690);
});

test('a rule on failures leaves no dead connection behind', async () => {
  await using peer = await mllpReceiver((_, index) => (index === 0 ? 'close' : 'AA'));
  await using setting = await line(peer.port, 'replies: { failure: suspend }');
  await sendUntilAcknowledged(setting.port, IDS.map(admission), () => undefined);
  await vi.waitFor(async () => expect(await setting.outcomes()).toHaveLength(IDS.length), 10_000);
  const statuses = (await setting.outcomes()).map(({ status }) => status);
  expect(statuses).toEqual(['suspended', ...IDS.slice(1).map(() => 'completed')]);
});
