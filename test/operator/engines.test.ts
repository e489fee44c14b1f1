import { afterEach, expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import type { CertificateReport } from '../../src/control/certificate-report.ts';
import { serveControl } from '../../src/control/control.ts';
import type { StatusReport } from '../../src/control/engine-report.ts';
import type { ProductionDescription } from '../../src/control/production-description.ts';
import { ENGINE } from '../../src/control/verbs.ts';
import { engines } from '../../src/operator/engines.ts';
import { startNats } from '../support/nats.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('the state of hosts is given at once while a busy engine is asked again, and not once it is old', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'busy', role: 'test' });
  let asked = 0;
  let answer = Promise.resolve();
  const { status } = ENGINE;
  const server = serveControl(
    broker,
    { status },
    {
      async status() {
        asked += 1;
        const engine = asked;
        await answer;
        return { engine } as StatusReport;
      },
    },
  );
  await broker.connection.flush();
  const all = engines(broker);
  const told = async (): Promise<number | undefined> => (await all.status())[0]?.engine;
  vi.useFakeTimers({ toFake: ['performance'] });
  expect(await told()).toBe(1);
  const busy = Promise.withResolvers<void>();
  answer = busy.promise;
  vi.advanceTimersByTime(2_000);
  expect(await told()).toBe(1);
  await vi.waitFor(() => expect(asked).toBe(2));
  vi.advanceTimersByTime(3_000);
  const late = told();
  busy.resolve();
  expect(await late).toBe(2);
  server.close();
});

const own = (days: number | undefined, problem?: string): CertificateReport => {
  const at = days === undefined ? 0 : Date.now() + days * 86_400_000;
  const ends = days === undefined ? undefined : { subject: 'CN=a', at, warn: at, urgent: at };
  return { kind: 'own', name: 'hub', hosts: [], chain: [], ends, problem };
};

test('so is what the production consists of', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'busy', role: 'test' });
  let asked = 0;
  const busy = Promise.withResolvers<void>();
  const { describe } = ENGINE;
  const server = serveControl(
    broker,
    { describe },
    {
      async describe() {
        asked += 1;
        const title = `${asked}`;
        if (asked > 1) await busy.promise;
        return { title } as ProductionDescription;
      },
    },
  );
  await broker.connection.flush();
  const all = engines(broker);
  vi.useFakeTimers({ toFake: ['performance'] });
  expect((await all.describe()).title).toBe('1');
  vi.advanceTimersByTime(6_000);
  expect((await all.describe()).title).toBe('1');
  await vi.waitFor(() => expect(asked).toBe(2));
  busy.resolve();
  await vi.waitFor(async () => expect((await all.describe()).title).toBe('2'));
  server.close();
});

test('of certificates in files that two machines have of their own, the first to end is told of', async () => {
  await using nats = await startNats();
  for (const [given, worst] of [
    [[own(300), own(5)], own(5)],
    [[own(5), own(300)], own(5)],
    [[own(5), own(undefined, 'damaged')], own(undefined, 'damaged')],
  ] as const) {
    await using broker = await connectBroker({ ...nats, production: 'two', role: 'test' });
    const servers = given.map((one) =>
      serveControl(
        broker,
        { certificates: ENGINE.certificates },
        { certificates: () => [one] as never },
      ),
    );
    await broker.connection.flush();
    const [told, ...others] = await engines(broker).certificates();
    expect(others).toEqual([]);
    expect(told?.problem).toBe(worst.problem);
    expect(Math.abs((told?.ends?.at ?? 0) - (worst.ends?.at ?? 0))).toBeLessThan(60_000);
    for (const server of servers) server.close();
  }
});
