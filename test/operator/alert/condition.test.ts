import { expect, test } from 'vitest';
import type { CertificateReport } from '../../../src/control/certificate-report.ts';
import { differingFiles } from '../../../src/control/differing-files.ts';
import type { HostReport } from '../../../src/control/engine-report.ts';
import type { HostDescription } from '../../../src/control/production-description.ts';
import {
  conditions,
  disconnectedHosts,
  isQuiet,
  type Seen,
} from '../../../src/operator/alert/condition.ts';
import { refusingHosts } from '../../../src/operator/alert/room.ts';
import { EngineCount, Lasting, standingNow } from '../../../src/operator/alert/watcher.ts';
import { processorTime } from '../../support/processor-time.ts';

const NOW = new Date(2026, 10, 25, 12, 0).getTime();
const MINUTE = 60_000;

const HOST: HostDescription = {
  name: 'ward',
  kind: 'operation',
  title: undefined,
  comment: undefined,
  tags: [],
  enabled: true,
  schedule: undefined,
  alert: { queue: 10, wait: 5 * MINUTE, silent: 60 * MINUTE, quiet: '22:00-06:00' },
  place: { file: 'production.yaml', line: 1, column: 1 },
  adapter: 'mllp-out',
  inline: false,
  settings: [],
  rules: [],
};

const REPORT: HostReport = {
  host: 'ward',
  kind: 'operation',
  state: 'running',
  connection: 'connected',
  detail: undefined,
  reconnect: undefined,
  inFlight: 0,
  retrying: undefined,
  lastError: undefined,
  lastActivity: NOW - MINUTE,
  messages: 1,
  queue: { depth: 0, oldest: undefined },
  switchedOff: undefined,
  overrides: [],
};

function seen(report: Partial<HostReport>, rest: Partial<Seen> = {}): Seen {
  return {
    description: {
      name: 'hub',
      hosts: [HOST],
    },
    reports: [
      {
        production: 'hub',
        title: 'Hub',
        engine: 0,
        started: NOW - 1,
        left: [],
        hosts: [{ ...REPORT, ...report }],
      },
    ],
    certificates: [],
    failures: new Map(),
    disconnected: new Map(),
    failingSince: undefined,
    now: NOW,
    ...rest,
  };
}

const rules = (given: Seen): string[] => conditions(given).map(({ rule }) => rule);

const DAY = 86_400_000;

const certificate = (days: number, rest: Partial<CertificateReport> = {}): CertificateReport => {
  const at = NOW + days * DAY + MINUTE;
  const ends = { subject: 'CN=epic', at, warn: at - 30 * DAY, urgent: at - 7 * DAY };
  return { kind: 'own', name: 'epic', hosts: [], chain: [], ends, ...rest };
};

test('a host that is as it should be is no alert', () => {
  expect(rules(seen({}))).toEqual([]);
});

test('a connection that is lost for long is an alert, sooner or never where the host says so', () => {
  const lastError = { code: 'X', text: 'nobody listens', at: NOW };
  const lost = (minutes: number, alert?: object) => {
    const { description } = seen({});
    const hosts = [{ ...HOST, ...(alert && { alert }) }];
    const disconnected = new Map([['ward', NOW - minutes * MINUTE]]);
    return seen({ lastError }, { description: { ...description, hosts }, disconnected });
  };
  expect(rules(lost(9))).toEqual([]);
  expect(conditions(lost(11)).map(({ rule, text }) => [rule, text])).toEqual([
    ['disconnected', 'ward has had no connection for 11m: nobody listens'],
  ]);
  expect(rules(lost(3, { disconnected: 2 * MINUTE }))).toEqual(['disconnected']);
  expect(rules(lost(9_999, { disconnected: Number.POSITIVE_INFINITY }))).toEqual([]);
});

test('a host has no connection where no engine has one', () => {
  const engines = (...connections: HostReport['connection'][]) =>
    connections.flatMap((connection) => seen({ connection }).reports);
  expect(disconnectedHosts(engines('disconnected'))).toEqual(['ward']);
  expect(disconnectedHosts(engines('disconnected', 'connected'))).toEqual([]);
  expect(disconnectedHosts(engines('waiting', 'disconnected'))).toEqual(['ward']);
  expect(disconnectedHosts(engines('listening', undefined))).toEqual([]);
  expect(disconnectedHosts(seen({ connection: 'disconnected', state: 'stopped' }).reports)).toEqual(
    [],
  );
});

test('what lasts is known since it was first seen, and begins anew after a break', () => {
  const lasting = new Lasting();
  lasting.see(['a'], 1);
  expect(lasting.see(['a', 'b'], 2)).toEqual(
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  );
  lasting.see(['b'], 3);
  expect(lasting.see(['a', 'b'], 4)).toEqual(
    new Map([
      ['a', 4],
      ['b', 2],
    ]),
  );
});

test('fewer engines than lately are an alert after two minutes, for a day', () => {
  const engines = new EngineCount();
  expect([engines.see(1, 0), engines.see(2, 1), engines.see(2, 2)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(engines.see(1, 3)).toEqual({ most: 2, since: 2 });
  expect(engines.see(0, 4)).toEqual({ most: 2, since: 2 });
  expect(engines.see(3, 5)).toBeUndefined();
  expect(engines.see(1, DAY + 6)).toBeUndefined();
  expect(engines.see(1, DAY + 7)).toBeUndefined();
  expect(rules(engineAway(1))).toEqual([]);
  expect(conditions(engineAway(3))).toMatchObject([
    { rule: 'engine', level: 'warn', text: '1 of 2 engines of hub answers, for 3m' },
  ]);
  expect(rules({ ...engineAway(3), reports: [] })).toEqual(['engine']);
});

const engineAway = (minutes: number): Seen =>
  seen({}, { fewerEngines: { most: 2, since: NOW - minutes * MINUTE } });

const running = (engine: number, files?: string) =>
  files === undefined ? { engine } : { engine, files };

test('engines that run different files are an alert, unless they are being changed one after another', () => {
  // one of an earlier version does not say
  expect(differingFiles([running(0, 'a'), running(1, 'a'), running(2)])).toBeUndefined();
  const what = differingFiles([running(2, 'b'), running(1, 'a'), running(0, 'a')]) ?? '';
  expect(what).toBe('a on engine 0, 1; b on engine 2');
  const since = (minutes: number): Seen =>
    seen({}, { differing: new Map([[what, NOW - minutes * MINUTE]]) });
  expect(rules(since(1))).toEqual([]);
  expect(conditions(since(3))).toMatchObject([
    { rule: 'differ', text: expect.stringContaining(what) as string },
  ]);
});

const behind = (minutes: number): Seen =>
  seen({}, { behind: { messages: 5_000, since: NOW - minutes * MINUTE } });

test('a trace that stays behind is an alert, a burst is not', () => {
  expect(rules(behind(4))).toEqual([]);
  expect(rules(behind(6))).toEqual(['behind']);
});

test('a trace that stands still is an alert, however little it has not read, and one that goes on is not', () => {
  const standing = new Lasting();
  const at = (minute: number, floor: number, unread = 3) => {
    const now = NOW + minute * MINUTE;
    const still = [
      { stream: 'out', floor, unread },
      { stream: 'busy', floor: minute, unread: 2 },
    ];
    return conditions(seen({}, { now, standing: standingNow(standing, still, now) }));
  };
  expect([at(0, 1), at(4, 1), at(5, 2), at(9, 2), at(10, 3, 0)].flat()).toEqual([]);
  at(11, 3);
  expect(at(17, 3)).toMatchObject([
    { rule: 'behind', text: expect.stringContaining('still for 6m') },
  ]);
  // nobody could look
  expect(standingNow(standing, undefined, NOW)).toMatchObject({ since: NOW + 11 * MINUTE });
});

const failed = (most: number, count: number): Seen => {
  const { description } = seen({});
  const hosts = [{ ...HOST, alert: { failed: most } }];
  return seen({}, { description: { ...description, hosts }, failures: new Map([['ward', count]]) });
};

test('what failed or was suspended within an hour is an alert above its limit', () => {
  expect(rules(failed(3, 3))).toEqual([]);
  expect(conditions(failed(3, 4))).toMatchObject([
    {
      rule: 'failed',
      host: 'ward',
      level: 'error',
      text: '4 messages were suspended or failed at ward within an hour, more than 3',
    },
  ]);
  expect(conditions(failed(0, 1))).toMatchObject([
    { text: '1 message was suspended or failed at ward within an hour' },
  ]);
});

test('far fewer messages than usual are an alert, except in quiet times', () => {
  const { description } = seen({});
  const at = new Date(2026, 10, 25, 11).getTime();
  const came = (count: number, quiet?: string): Seen =>
    seen(
      {},
      {
        description: { ...description, hosts: [{ ...HOST, alert: { fewer: 30, quiet } }] },
        usual: new Map([['ward', { at, in: count, usual: 50 }]]),
      },
    );
  expect(rules(came(15))).toEqual([]);
  expect(conditions(came(0))).toMatchObject([
    {
      rule: 'fewer',
      host: 'ward',
      level: 'warn',
      text: `no messages arrived at ward in the hour from ${new Date(at).toISOString()}, usual are 50 (the median of that hour in the last four weeks)`,
    },
  ]);
  expect(rules(came(0, '10:30-11:30'))).toEqual([]);
  expect(rules({ ...came(0), usual: undefined })).toEqual([]);
});

test.for<[string, Partial<HostReport>]>([
  ['queue', { queue: { depth: 11, oldest: NOW } }],
  ['wait', { queue: { depth: 1, oldest: NOW - 6 * MINUTE } }],
  ['silent', { lastActivity: NOW - 61 * MINUTE }],
  ['disabled', { switchedOff: { by: 'waybill', at: 1, reason: 'AR' } }],
])('%s is an alert', ([rule, report]) => {
  expect(rules(seen(report))).toEqual([rule]);
});

test('a host that a person switched off is silent without an alert', () => {
  const off = { by: 'ann', at: 1, reason: 'maintenance' };
  const report = { state: 'stopped', switchedOff: off, lastActivity: 1 } as const;
  expect(rules(seen(report))).toEqual([]);
});

/** What is told of a host that came back with the engine some minutes ago, and last had a message before. */
const afterStart = (
  minutes: number,
  host: Partial<HostDescription>,
  report: Partial<HostReport>,
) => {
  const given = seen(
    { lastActivity: undefined, ...report },
    {
      description: { name: 'hub', hosts: [{ ...HOST, ...host }] },
      latest: new Map([['ward', NOW - 26 * 60 * MINUTE]]),
    },
  );
  const reports = given.reports.map((one) => ({ ...one, started: NOW - minutes * MINUTE }));
  return conditions({ ...given, reports }).map(({ text }) => text);
};

test('silence goes on over a restart of the engine, once senders had time to come back', () => {
  expect(afterStart(4, {}, {})).toEqual([]);
  expect(afterStart(6, {}, {})).toEqual(['ward has had no message for 1.1d']);
  expect(afterStart(6, {}, { lastActivity: NOW - MINUTE })).toEqual([]);
});

test('a host that is on at times of cron is silent between them too: that it did not run is told', () => {
  const nightly = {
    schedule: 'cron 30 2 * * * for 10m',
    alert: { silent: 25 * 60 * MINUTE },
  };
  const off = { state: 'stopped', connection: undefined } as const;
  expect(afterStart(600, nightly, off)).toEqual(['ward has had no message for 1.1d']);
  expect(afterStart(600, { ...nightly, alert: { silent: 27 * 60 * MINUTE } }, off)).toEqual([]);
  const switchedOff = { by: 'ann', at: 1, reason: 'maintenance' };
  expect(afterStart(600, nightly, { ...off, switchedOff })).toEqual([]);
  expect(afterStart(600, { ...nightly, enabled: false }, off)).toEqual([]);
});

test('a host that is on by day is not silent at night, nor at once in the morning', () => {
  // NOW is noon
  expect(afterStart(600, { schedule: 'daily 11:30-20:00' }, { state: 'stopped' })).toEqual([]);
  expect(afterStart(600, { schedule: 'daily 11:30-20:00' }, {})).toEqual([]);
  expect(afterStart(600, { schedule: 'daily 10:30-20:00' }, {})).toEqual([
    'ward has had no message for 1.5h',
  ]);
});

test('hundreds of hosts that are on by day are looked at without holding up the plane', () => {
  const begun = processorTime();
  const schedule = 'mon-fri 06:00-20:00, sat-sun 08:00-18:00 Europe/Berlin';
  for (let n = 0; n < 300; n++) expect(afterStart(600, { schedule }, {})).toHaveLength(1);
  expect(processorTime() - begun).toBeLessThan(3_000);
});

test('silence is not told of in the quiet hours, which may go past midnight', () => {
  const night = new Date(2026, 10, 25, 23, 30).getTime();
  expect(rules(seen({ lastActivity: 1 }, { now: night }))).toEqual([]);
  expect(isQuiet('22:00-06:00', new Date(2026, 10, 25, 5, 59).getTime())).toBe(true);
  expect(isQuiet('22:00-06:00', new Date(2026, 10, 25, 6, 0).getTime())).toBe(false);
  expect(isQuiet('12:00-13:00', new Date(2026, 10, 25, 12, 30).getTime())).toBe(true);
  expect(isQuiet(undefined, NOW)).toBe(false);
});

const level = (days: number): string | undefined =>
  conditions(seen({}, { certificates: [certificate(days)] }))[0]?.level;

test('a certificate is told of from 30 days before its end, and is an error from 7', () => {
  expect([31, 29, 8, 6, -2].map(level)).toEqual([undefined, 'warn', 'warn', 'error', 'error']);
});

test.for([
  ['own', [], 'the certificate of epic (CN=epic) expires in 5 days', undefined],
  ['peer', ['out'], 'the certificate that epic shows to out (CN=epic) expires in 5 days', 'out'],
  [
    'peer',
    ['credential x'],
    'the certificate that epic shows to credential x (CN=epic) expires in 5 days',
    undefined,
  ],
  ['authority', ['out'], 'an authority that epic trusts (CN=epic) expires in 5 days', 'out'],
  [
    'revocation-list',
    ['in', 'out'],
    'the revocation list epic of in, out expires in 5 days',
    undefined,
  ],
] as const)('what ends is named by its kind: %s of %s', ([kind, hosts, text, host]) => {
  const certificates = [certificate(5, { kind, hosts })];
  expect(conditions(seen({}, { certificates }))).toMatchObject([
    { rule: 'certificate', text, host },
  ]);
});

test('a certificate that cannot be read is an alert', () => {
  const certificates = [certificate(5, { ends: undefined, problem: 'it cannot be read: ENOENT' })];
  expect(conditions(seen({}, { certificates }))).toMatchObject([
    { level: 'error', text: 'the certificate of epic: it cannot be read: ENOENT' },
  ]);
});

test('a production without an engine and a trace that fails are alerts of the whole', () => {
  expect(rules(seen({}, { reports: [], failingSince: NOW - MINUTE }))).toEqual(['engine', 'trace']);
});

test('a host that waits for what should come at once is told of after half a minute', () => {
  const text = 'no engine sends: its lease is held but not renewed';
  const told = (since: number) =>
    conditions(seen({ delayed: { since, text } })).filter(({ rule }) => rule === 'delayed');
  expect(told(NOW - 20_000)).toEqual([]);
  expect(told(NOW - MINUTE)).toMatchObject([
    { object: 'ward', level: 'error', text: `ward has waited 1m: ${text}` },
  ]);
});

test('a message that waits long for a person is an alert, sooner or never where the host says so', () => {
  const waiting = (minutes: number, alert?: object, count = 1) => {
    const { description } = seen({});
    const hosts = [{ ...HOST, ...(alert && { alert }) }];
    const suspended = new Map([['ward', { count, oldest: NOW - minutes * MINUTE }]]);
    return seen({}, { description: { ...description, hosts }, suspended });
  };
  expect(rules(waiting(239))).toEqual([]);
  expect(conditions(waiting(241))).toMatchObject([
    {
      rule: 'suspended',
      host: 'ward',
      text: '1 message waits for a person at ward, the oldest for 4h',
    },
  ]);
  expect(conditions(waiting(31, { suspended: 30 * MINUTE }, 7))).toMatchObject([
    { text: '7 messages wait for a person at ward, the oldest for 31m' },
  ]);
  expect(rules(waiting(99_999, { suspended: Number.POSITIVE_INFINITY }))).toEqual([]);
});

const GB = 1024 ** 3;
const disk = (free: number, total: number, id = 'a') => ({ name: `disk ${id}`, id, free, total });

test('a host that refuses again and again what cannot be stored is an alert, also while something else is accepted', () => {
  const refusing = new Lasting();
  const at = (minute: number, refused: number, accepted = 0, code = 'QUEUE_UNAVAILABLE') => {
    const now = NOW + minute * MINUTE;
    const lastError = { code, text: 'NATS is full', at: NOW + refused * MINUTE };
    const { reports } = seen({ lastError, lastActivity: NOW + accepted * MINUTE });
    const since = refusing.see(refusingHosts(reports, now), now);
    return conditions(seen({}, { now, reports, refusing: since })).filter(
      ({ rule }) => rule === 'refused',
    );
  };
  expect([at(1, 1), at(5, 1), at(6, 5, 5.5, 'MESSAGE_INVALID')].flat()).toEqual([]);
  expect([at(10, 10), at(11, 10.5)].flat()).toEqual([]);
  const text = 'ward has refused messages for 2m: NATS is full';
  expect(at(12, 11.5, 11.9)).toMatchObject([{ level: 'error', host: 'ward', text }]);
  // it takes messages again
  expect(at(13, 11.5, 12.9)).toEqual([]);
});

test('a disk that becomes full is an alert, once however many write to it', () => {
  const of = (...disks: NonNullable<Seen['disks']>) =>
    conditions(seen({}, { disks })).map((one) => [one.object, one.level]);
  expect(of(disk(11 * GB, 100 * GB), disk(21 * GB, 4_000 * GB, 'large'))).toEqual([]);
  expect(of(disk(9 * GB, 100 * GB), disk(9 * GB, 100 * GB))).toEqual([['disk a', 'warn']]);
  expect(of(disk(4 * GB, 100 * GB), disk(4 * GB, 4_000 * GB, 'large'))).toEqual([
    ['disk a', 'error'],
    ['disk large', 'error'],
  ]);
  const { reports } = seen({});
  const engine = reports.map((one) => ({ ...one, disk: { id: 'b', free: 1, total: GB } }));
  expect(conditions(seen({}, { reports: engine }))).toMatchObject([
    {
      rule: 'disk',
      text: 'the disk of engine 0 has 1 B of 1 GB left: what is full takes no more messages',
    },
  ]);
  // of a queue earlier: somebody has to repair its host by then
  const queue = (free: number) => ({ ...disk(free, 10 * GB), host: 'ward' });
  expect(of(queue(2 * GB))).toEqual([]);
  expect(of(queue(1.9 * GB))).toEqual([['disk a', 'warn']]);
  expect(of(queue(0))).toEqual([['disk a', 'error']]);
  expect(of({ ...queue(0), host: 'taken-out' })).toEqual([]);
  // one with room, and without inodes
  const files = (left: number) => ({
    ...disk(50 * GB, 100 * GB),
    files: { free: left, total: 1_000 },
  });
  expect(of(files(50))).toEqual([]);
  expect([...of(files(49)), ...of(files(9))]).toEqual([
    ['disk a', 'warn'],
    ['disk a', 'error'],
  ]);
  // of XFS and ZFS, whose inodes take what is left of the room
  expect(conditions(seen({}, { disks: [{ ...files(9), free: GB }] }))).toMatchObject([
    { text: 'disk a has 1 GB of 100 GB left: what is full takes no more messages' },
  ]);
});

test('an engine that comes near the limit of what it may have open is an alert', () => {
  const { reports } = seen({});
  const of = (open: number) =>
    conditions(
      seen({}, { reports: reports.map((one) => ({ ...one, opened: { open, most: 256 } })) }),
    );
  expect(of(200)).toEqual([]);
  expect(of(210)).toMatchObject([
    {
      rule: 'files',
      level: 'warn',
      text: expect.stringContaining('engine 0 has 210 of 256 files'),
    },
  ]);
  expect(of(256)).toMatchObject([{ rule: 'files', level: 'error' }]);
});

test('an engine whose program was replaced while it runs is an alert', () => {
  const { reports } = seen({});
  const of = (installed: string | undefined) =>
    conditions(
      seen(
        {},
        { reports: reports.map((one) => ({ ...one, replaced: { runs: '1.0.0', installed } })) },
      ),
    ).map(({ rule, text }) => `${rule}: ${text}`);
  expect(of('1.1.0')).toEqual([
    expect.stringMatching(/^program: engine 0 runs version 1\.0\.0, .* is of version 1\.1\.0 now/),
  ]);
  expect(of(undefined)).toEqual([expect.stringContaining('is gone')]);
});

test('so is an operator plane of its own, and both in one process are one alert', () => {
  const replaced = { runs: '1.0.0', installed: '1.1.0' };
  const { reports } = seen({});
  expect(conditions(seen({}, { replaced }))).toMatchObject([
    {
      rule: 'program',
      object: 'plane',
      text: expect.stringMatching(/^the operator plane runs version 1\.0\.0, .* 1\.1\.0 now/),
    },
  ]);
  const both = { reports: reports.map((one) => ({ ...one, replaced })), replaced };
  expect(conditions(seen({}, both))).toMatchObject([{ object: 'engine 0' }]);
});
