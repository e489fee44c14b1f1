import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { readNatsState } from '../../src/broker/embedded/nats-server.ts';
import { askAll } from '../../src/control/control.ts';
import { type RemoteTrace, remoteTrace } from '../../src/control/remote-trace.ts';
import { ENGINE } from '../../src/control/verbs.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { mllpReceiver, type Received, sendUntilAcknowledged } from '../support/mllp-peers.ts';

const production = (port: number, ward: number, slow: number): string => `
production: power
settings: { search: { mrn: PID-3.1 } }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}" }, to: [ward] }
  aside: { adapter: mllp-in, settings: { listen: "127.0.0.1:${slow}" }, to: [later] }
operations:
  ward: { adapter: mllp-out, settings: { connect: "127.0.0.1:${ward}" }, retry: { every: 200ms, for: forever } }
  later: { adapter: mllp-out, enabled: false, settings: { connect: "127.0.0.1:${ward}" } }
`;

const messageOf = (id: string): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${id}|P|2.5.1\rEVN|A01|20260101\rPID|1||P${id}^^^H^MR||DOE^JOHN\rPV1|1|I\r`;

const ids = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${name}${n + 1}`);

async function send(port: number, controlIds: readonly string[]): Promise<void> {
  await sendUntilAcknowledged(port, controlIds.map(messageOf).values(), () => undefined);
}

async function connected(data: string): Promise<Broker> {
  const access = await readNatsState(data);
  if (access === undefined) throw new Error('the engine runs');
  return connectBroker({ ...access, production: 'power', role: 'test' });
}

async function traced(data: string, look: (trace: RemoteTrace) => Promise<void>): Promise<void> {
  await using broker = await connected(data);
  await look(remoteTrace(broker, 'test'));
}

async function waiting(trace: RemoteTrace, target: string): Promise<number> {
  const { items } = await trace.find({ target, status: ['queued', 'retrying'], limit: 50 });
  return items.length;
}

const arrived = (received: readonly Received[]): Set<string> =>
  new Set(received.map(({ controlId }) => controlId));

/**
 * The machine loses power: what had been written to the disk by then is all there is. nats-server is held for a
 * moment, its files are copied, and the copy is what the next start finds.
 */
test('after a loss of power what is gone is told, what comes next arrives, repetitions are marked', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-power-'));
  await using ward = await mllpReceiver();
  const [port, aside] = [await freePort(), await freePort()];
  await writeFile(join(folder, 'production.yaml'), production(port, ward.port, aside));
  const data = join(folder, 'data');
  const start = (): ReturnType<typeof startEngineProcess> =>
    startEngineProcess({
      production: folder,
      data,
      ports: [port, aside],
      plane: true,
      arguments: ['--log-level', 'error', '--durability', 'process-crash'],
    });
  let engine = await start();
  try {
    await send(port, ids('A', 10));
    await send(aside, ids('K', 2));
    await vi.waitFor(() => expect(arrived(ward.received).size).toBe(10), 10_000);
    // consumers write how far they are some ten times a second
    await sleep(500);
    const nats = await engine.natsPid();
    process.kill(nats, 'SIGSTOP');
    await cp(join(data, 'jetstream'), join(folder, 'disk'), { recursive: true });
    process.kill(nats, 'SIGCONT');
    await send(port, ids('B', 20));
    await send(aside, ids('L', 5));
    await vi.waitFor(() => expect(arrived(ward.received).size).toBe(30), 10_000);
    await traced(data, async (trace) => {
      await vi.waitFor(async () => expect(await waiting(trace, 'later')).toBe(7), 20_000);
    });
    // how far the streams reach is synced once a second
    await sleep(1_500);
    await engine.kill();
    await vi.waitFor(() => expect(() => process.kill(nats, 0)).toThrow('ESRCH'), 10_000);
    await rm(join(data, 'jetstream'), { recursive: true });
    await cp(join(folder, 'disk'), join(data, 'jetstream'), { recursive: true });

    engine = await start();
    // as many as were lost and less: their sequences are those of what was lost
    await send(port, ids('C', 15));
    await vi.waitFor(() => {
      expect([...arrived(ward.received)]).toEqual(expect.arrayContaining(ids('C', 15)));
    }, 20_000);

    {
      await using broker = await connected(data);
      const [report] = await askAll(broker, ENGINE.status, null);
      expect(report?.lost).toEqual(
        expect.arrayContaining([
          { stream: 'WB_power_Q_ward', host: 'ward', from: 11, to: 30 },
          { stream: 'WB_power_Q_later', host: 'later', from: 3, to: 7 },
        ]),
      );
      const trace = remoteTrace(broker, 'test');
      await vi.waitFor(
        async () => {
          // what waited and is gone waits no more, and can be resent
          const lost = await trace.find({ target: 'later', status: ['error'], limit: 50 });
          expect(lost.items.map(({ error }) => error?.code)).toEqual(Array(5).fill('MESSAGE_LOST'));
          expect(await waiting(trace, 'later')).toBe(2);
          expect(await waiting(trace, 'ward')).toBe(0);
          const next = await trace.find({ target: 'ward', search: { mrn: 'PC15' }, limit: 1 });
          expect(next.items[0]?.status).toBe('completed');
        },
        { timeout: 30_000, interval: 300 },
      );
      for (const [id, times] of countsOf(ward.received)) {
        if (times === 1) continue;
        const { items } = await trace.find({ target: 'ward', search: { mrn: `P${id}` }, limit: 5 });
        expect([id, items.some(({ possibleDuplicate }) => possibleDuplicate)]).toEqual([id, true]);
      }
    }
    await engine.stop();
    await using store = sqliteTraceStore({ folder: join(data, 'trace') });
    const told = await store.events({ hosts: ['ward', 'later'], level: 'error' });
    expect(told.map(({ event, text }) => [event, text.split(' are gone')[0]])).toEqual(
      expect.arrayContaining([
        ['messages-lost', '20 messages for ward (11 to 30)'],
        ['messages-lost', '5 messages for later (3 to 7)'],
      ]),
    );
  } finally {
    await engine.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

function countsOf(received: readonly Received[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { controlId } of received) counts.set(controlId, (counts.get(controlId) ?? 0) + 1);
  return counts;
}
