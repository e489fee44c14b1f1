import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import type { Alert } from '../../../src/api/contract/alert.ts';
import { connectBroker } from '../../../src/broker/broker.ts';
import { leases } from '../../../src/broker/lease.ts';
import { state } from '../../../src/broker/state.ts';
import { type Alone, whileHeld } from '../../../src/broker/while-held.ts';
import type { CertificateReport } from '../../../src/control/certificate-report.ts';
import type { StatusReport } from '../../../src/control/engine-report.ts';
import { EngineError } from '../../../src/error/engine-error.ts';
import { hearUnexpected, type Unexpected } from '../../../src/error/unexpected.ts';
import { silentLogger } from '../../../src/log/logger.ts';
import { alertStore } from '../../../src/operator/alert/alert-store.ts';
import { startWatcher, type WatcherOptions } from '../../../src/operator/alert/watcher.ts';
import { startNats } from '../../support/nats.ts';
import { operated } from '../../support/operator.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const WATCHED = `production: watched
title: A watched ward
settings: { shutdownTimeout: 1s }
alerts: { to: alarm, every: 1h }
services:
  hl7-in:
    adapter: mllp-in
    settings: { listen: '\${env:LISTEN}' }
    to: hl7-out
operations:
  hl7-out:
    adapter: mllp-out
    settings: { connect: '\${env:CONNECT}' }
    alert: { queue: 1 }
  alarm:
    adapter: file-out
    settings: { folder: alarms, name: '{id}.txt' }
`;

const UNPLANNED = `production: unplanned
settings: { shutdownTimeout: 1s }
services:
  hl7-in: { adapter: mllp-in, settings: { listen: '\${env:LISTEN}' }, to: router }
processes:
  router: { rules: [{ otherwise: suspend }], alert: { failed: 1 } }
`;

const nothing = async (): Promise<never[]> => [];
const away = (): Promise<never> =>
  Promise.reject(new EngineError('BROKER_UNAVAILABLE', 'no engine answers'));

test('a queue that grows too long is told of once, through the production, and is over once it is empty', async () => {
  await using production = await operated({
    production: WATCHED,
    files: { 'alarms/.keep': '' },
    console: { watchEvery: 100 },
  });
  const alerts = async (query = ''): Promise<readonly Alert[]> =>
    (await production.ask<{ alerts: Alert[] }>('GET', `/api/v1/alerts${query}`)).body.alerts;
  const told = async (): Promise<number> => {
    const { body } = await production.ask<{ items: { source: string }[] }>(
      'POST',
      '/api/v1/messages/search',
      { target: 'alarm', status: ['completed'] },
    );
    return body.items.filter(({ source }) => source === 'waybill').length;
  };
  // planned ahead, and under way: nobody is told, and nobody has to look
  const work = { hosts: ['hl7-out'], from: 0, to: Date.now() + 3_600_000, reason: 'LIS 7.2' };
  const plan = await production.ask<{ id: number }>('POST', '/api/v1/maintenance', {
    ...work,
    from: Date.now(),
  });
  expect(plan.body).toMatchObject({ hosts: ['hl7-out'], by: 'admin', reason: 'LIS 7.2' });
  await production.ask('POST', '/api/v1/hosts/hl7-out/stop', { reason: 'a test' });
  for (const id of ['A1', 'A2', 'A3']) await production.send(id);
  const explained = await vi.waitFor(async () => {
    const [alert] = await alerts();
    expect(alert).toMatchObject({ rule: 'queue', state: 'open', planned: { to: work.to } });
    return alert;
  }, 8_000);
  // it is looked at again
  await vi.waitFor(
    async () => expect((await alerts())[0]?.last).toBeGreaterThan(explained?.last ?? 0),
    5_000,
  );
  const { body: status } = await production.ask<{ openAlerts: number }>('GET', '/api/v1/status');
  expect([await told(), status.openAlerts, (await alerts())[0]?.told]).toEqual([0, 0, []]);
  await production.ask('POST', `/api/v1/maintenance/${plan.body.id}/until`, { to: 0 });
  const open = await vi.waitFor(async () => {
    const found = await alerts();
    expect(found).toMatchObject([{ rule: 'queue', host: 'hl7-out', state: 'open', level: 'warn' }]);
    return found;
  }, 8_000);
  await vi.waitFor(async () => expect(await told()).toBe(1), 5_000);

  const id = open[0]?.id;
  const taken = await production.ask<Alert>('POST', `/api/v1/alerts/${id}/acknowledge`, {
    note: 'the ward calls back',
  });
  const note = { by: 'admin', text: 'the ward calls back' };
  expect(taken.body).toMatchObject({ state: 'acknowledged', owner: 'admin', comments: [note] });
  await production.ask('POST', `/api/v1/alerts/${id}/comment`, { text: 'they did' });
  const given = await production.ask<Alert>('POST', `/api/v1/alerts/${id}/assign`, { to: 'ann' });
  expect(given.body).toMatchObject({ owner: 'ann', comments: [note, { text: 'they did' }] });

  // a tab that has not heard of it yet
  const taking = () =>
    production.ask<{ detail?: string }>('POST', `/api/v1/alerts/${id}/acknowledge`, {});
  expect(await taking()).toMatchObject({
    status: 409,
    body: { detail: `ann has taken alert ${id} on meanwhile` },
  });

  await production.ask('POST', '/api/v1/hosts/hl7-out/start', {});
  await vi.waitFor(async () => expect(await alerts()).toEqual([]), 8_000);
  expect(await alerts('?ended=true')).toMatchObject([{ id, state: 'ended' }]);
  expect(await taking()).toMatchObject({ status: 409, body: { detail: `alert ${id} is over` } });
  // whoever was told of it is told that it is over, once
  await vi.waitFor(async () => expect(await told()).toBe(2), 5_000);
  const alarms = join(production.folder.path, 'alarms');
  const texts = await Promise.all(
    (await readdir(alarms))
      .filter((name) => name.endsWith('.txt'))
      .map((name) => readFile(join(alarms, name), 'utf8')),
  );
  expect(texts.filter((text) => text.includes('This is over: '))).toEqual([
    expect.stringContaining('messages are waiting for hl7-out'),
  ]);
});

test('messages that nobody planned for are told of as soon as one too many was suspended', async () => {
  await using production = await operated({
    production: UNPLANNED,
    console: { watchEvery: 100 },
  });
  const alerts = async (): Promise<readonly Alert[]> =>
    (await production.ask<{ alerts: Alert[] }>('GET', '/api/v1/alerts')).body.alerts;
  await production.send('F1');
  await vi.waitFor(async () => {
    const { body } = await production.ask<{ suspended: number }>('GET', '/api/v1/status');
    expect(body.suspended).toBe(1);
  });
  expect(await alerts()).toEqual([]);
  // NATS has come back without it: the trace still knows of it
  await using broker = await connectBroker({
    ...production.running.access,
    production: 'unplanned',
    role: 'test',
  });
  await broker.manager.streams.purge(broker.names.suspended.stream);
  const status = await production.ask<{ suspended: number }>('GET', '/api/v1/status');
  expect(status.body.suspended).toBe(1);
  await production.send('F2');
  await vi.waitFor(async () =>
    expect(await alerts()).toMatchObject([{ rule: 'failed', host: 'router', level: 'error' }]),
  );
});

test('one of several planes watches, also after a look that failed, and another when that one stops', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'watched', role: 'test' });
  const { kv } = await state(broker);
  const looks: string[] = [];
  const watcher = (plane: string): ReturnType<typeof startWatcher> => {
    const alone: Alone = (run, signal) =>
      whileHeld(leases(kv, plane), 'alerts', {
        signal,
        onWaiting: () => undefined,
        run: (held) => run(held).then(() => 'clean'),
      });
    return startWatcher({
      engines: {
        describe: away,
        status: () => {
          looks.push(plane);
          return away();
        },
      },
      alone,
      log: silentLogger,
      every: 20,
    } as unknown as WatcherOptions);
  };
  const one = watcher('one');
  await vi.waitFor(() => expect(looks.length).toBeGreaterThan(2));
  const other = watcher('other');
  try {
    const { length } = looks;
    await vi.waitFor(() => expect(looks.length).toBeGreaterThan(length + 5));
    expect(new Set(looks)).toEqual(new Set(['one']));
    await one.stop();
    const last = looks.length;
    await vi.waitFor(() => expect(looks.at(-1)).toBe('other'), 5_000);
    expect(looks.slice(last)).not.toContain('one');
  } finally {
    await other.stop();
  }
});

test('a certificate that only one engine was shown stays told of while that one is away or starts anew', async () => {
  await using folder = await temporaryFolder('watcher');
  await using database = await metaDatabase({ data: folder.path });
  const store = alertStore(database);
  const open = async (): Promise<string[]> =>
    (await store.list({ ended: false, limit: 9 })).map(({ object }) => object);
  const DAY = 86_400_000;
  const peer = (days: number, host = 'out'): CertificateReport => {
    const at = Date.now() + days * DAY;
    const ends = { subject: 'CN=lab', at, warn: at - 14 * DAY, urgent: at - 3 * DAY };
    return { kind: 'peer', name: 'lab', hosts: [host], chain: [], ends, seen: Date.now() };
  };
  let certificates: readonly CertificateReport[] = [peer(5)];
  let hosts = [{ name: 'out' }, { name: 'in' }];
  let looks = 0;
  const watcher = startWatcher({
    production: 'hub',
    engines: {
      status: async () => {
        looks += 1;
        return [{ hosts: [] }];
      },
      describe: async () => ({ name: 'hub', hosts }),
      certificates: async () => certificates,
    },
    trace: { failures: nothing },
    store,
    notifier: { conditions: nothing, over: nothing, tell: nothing, settle: nothing },
    emergencies: { untold: nothing, told: nothing },
    live: { tell: () => undefined },
    disks: nothing,
    rooms: nothing,
    unread: nothing,
    failingSince: () => undefined,
    alone: (run: Parameters<Alone>[0], signal: AbortSignal) => run(signal),
    log: silentLogger,
    every: 5,
  } as unknown as WatcherOptions);
  const looked = async (): Promise<void> => {
    const before = looks;
    await vi.waitFor(() => expect(looks).toBeGreaterThan(before + 2));
  };
  try {
    await vi.waitFor(async () => expect(await open()).toEqual(['peer lab out']));
    certificates = [];
    await looked();
    expect(await open()).toEqual(['peer lab out']);
    // it is there again, and the peer shows a new one
    certificates = [peer(300)];
    await vi.waitFor(async () => expect(await open()).toEqual([]));
    certificates = [peer(5), peer(5, 'in')];
    await vi.waitFor(async () => expect(await open()).toHaveLength(2));
    certificates = [];
    hosts = [{ name: 'in' }];
    await vi.waitFor(async () => expect(await open()).toEqual(['peer lab in']));
    // nobody has told of it for a day
    await database.run('UPDATE alert SET last_at = ?', Date.now() - DAY - 1);
    await vi.waitFor(async () => expect(await open()).toEqual([]));
  } finally {
    await watcher.stop();
  }
});

test('what cannot be looked at is not over: its alerts stay while no engine or no trace answers', async () => {
  await using folder = await temporaryFolder('watcher');
  await using database = await metaDatabase({ data: folder.path });
  const store = alertStore(database);
  const open = async (): Promise<string[]> =>
    (await store.list({ ended: false, limit: 9 })).map(({ rule }) => rule).toSorted();
  const report = {
    hosts: [{ host: 'out', state: 'running', connection: 'connected', queue: { depth: 9 } }],
  } as unknown as StatusReport;
  let reports: readonly StatusReport[] = [report];
  let failing: Error | undefined;
  const suspended = [{ host: 'out', count: 1, first: 0 }];
  const over = vi.fn<() => Promise<void>>(async () => undefined);
  const watcher = startWatcher({
    production: 'hub',
    engines: {
      status: async () => reports,
      describe: async () => ({ name: 'hub', hosts: [{ name: 'out', alert: { queue: 1 } }] }),
      certificates: nothing,
    },
    trace: {
      failures: async () => {
        if (failing !== undefined) throw failing;
        return suspended;
      },
    },
    store,
    notifier: { conditions: nothing, over, tell: nothing, settle: nothing },
    emergencies: { untold: nothing, told: nothing },
    live: { tell: () => undefined },
    disks: nothing,
    rooms: async () => {
      if (failing instanceof EngineError) throw failing;
      return [{ name: 'the queue of out', id: 'out', host: 'out', free: 0, total: 9 }];
    },
    unread: nothing,
    failingSince: () => undefined,
    alone: (run: Parameters<Alone>[0], signal: AbortSignal) => run(signal),
    log: silentLogger,
    every: 5,
  } as unknown as WatcherOptions);
  const told: Unexpected[] = [];
  const unhear = hearUnexpected((one) => told.push(one));
  try {
    await vi.waitFor(async () => expect(await open()).toEqual(['disk', 'queue', 'suspended']));
    reports = [];
    await vi.waitFor(async () =>
      expect(await open()).toEqual(['disk', 'engine', 'queue', 'suspended']),
    );
    failing = new EngineError('STORE_UNAVAILABLE', 'the trace is away');
    reports = [report];
    await vi.waitFor(async () => expect(await open()).toEqual(['disk', 'queue', 'suspended']));
    await vi.waitFor(() => expect(over.mock.calls).toMatchObject([[{ rule: 'engine' }]]));
    expect(told).toEqual([]);
    failing = new TypeError('a fault of ours');
    await vi.waitFor(() => expect(told).toMatchObject([{ what: 'looking at suspended' }]));
    failing = undefined;
    suspended.length = 0;
    await vi.waitFor(async () => expect(await open()).toEqual(['disk', 'queue']));
  } finally {
    unhear();
    await watcher.stop();
  }
});
