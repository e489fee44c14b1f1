import { randomBytes } from 'node:crypto';
import { afterAll, expect, test, vi } from 'vitest';
import { DisableError, TemporaryError } from '../../src/adapter/index.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { state } from '../../src/broker/state.ts';
import type { Definition, LookupSource } from '../../src/definition/definition.ts';
import { LookupLoader } from '../../src/engine/lookup-loader.ts';
import { events } from '../../src/log/events.ts';
import { hostLogs, silentLogger } from '../../src/log/logger.ts';
import { metrics } from '../../src/log/metrics.ts';
import { LoadedTables } from '../../src/lookup/loaded-tables.ts';
import type { HostRecord } from '../../src/message/record.ts';
import { definition } from '../support/definition.ts';
import { startNats } from '../support/nats.ts';

const nats = await startNats();
afterAll(() => nats.stop());
let productions = 0;

interface Source {
  /** What the next loads give; the last one again and again. */
  gives: (Error | Readonly<Record<string, string>>)[];
  loads: number;
}

const sourceOf = (
  source: Source,
  { name = 'wards', every = 20, question = 'q' }: Partial<LookupSource> = {},
): LookupSource => ({
  name,
  every,
  question,
  place: { file: 'production.yaml', line: 1, column: 1 },
  settings: {},
  given: {},
  adapter: {
    type: 'test-lookup',
    title: '',
    summary: '',
    settings: {},
    async load() {
      source.loads += 1;
      const next = source.gives.length > 1 ? source.gives.shift() : source.gives[0];
      if (next instanceof Error) throw next;
      return new Map(Object.entries(next ?? {}));
    },
  },
});

const definitionWith = (...sources: readonly LookupSource[]): Definition => ({
  ...definition({ services: [], operations: [] }),
  lookupSources: new Map(sources.map((one) => [one.name, one])),
});

/** A loader on the state of a production of its own, or of one that was there before. */
async function loading(production = `lookups-${++productions}`) {
  const broker = await connectBroker({ ...nats, production, role: 'engine' });
  const told: HostRecord[] = [];
  const loaded = new LoadedTables();
  const loader = new LookupLoader({
    loaded,
    kv: (await state(broker)).kv,
    events: events({
      production,
      log: silentLogger,
      hosts: hostLogs(silentLogger),
      metrics: metrics(),
      record: (record) => told.push(record),
    }),
    logs: hostLogs(silentLogger),
    credential: () => Promise.reject(new Error('none')),
    verifier: () => Promise.reject(new Error('none')),
    peerCertificate: () => undefined,
  });
  return {
    production,
    loaded,
    loader,
    told,
    entries: (name = 'wards') => Object.fromEntries(loaded.of(name)?.entries ?? []),
    kept: async (name = 'wards') => (await (await state(broker)).kv.get(`lookup.${name}`))?.value,
    async [Symbol.asyncDispose]() {
      await loader.close();
      await broker.close();
    },
  };
}

const names = (told: readonly HostRecord[]): string[] => told.map(({ event }) => event);

test('a start waits for the rows; they are loaded again, and all change at once', async () => {
  await using one = await loading();
  const source: Source = {
    gives: [{ W1: 'north' }, { W1: 'north' }, { W1: 'south', W2: 'west' }],
    loads: 0,
  };
  await one.loader.start(definitionWith(sourceOf(source)));
  expect(one.entries()).toEqual({ W1: 'north' });
  await vi.waitFor(() => expect(one.entries()).toEqual({ W1: 'south', W2: 'west' }));
  // the second load gave the same
  expect(names(one.told)).toEqual(['lookup-loaded', 'lookup-loaded']);
});

test('a source that fails leaves the last rows, and says so with their time', async () => {
  await using one = await loading();
  const away = new TemporaryError('the database is away');
  const source: Source = { gives: [{ W1: 'north' }, away], loads: 0 };
  await one.loader.start(definitionWith(sourceOf(source)));
  const at = one.loaded.of('wards')?.at;
  await vi.waitFor(() => expect(source.loads).toBeGreaterThan(3));
  expect(one.told).toHaveLength(2);
  expect(one.entries()).toEqual({ W1: 'north' });
  source.gives = [{ W1: 'south' }];
  expect(one.told[1]).toMatchObject({
    host: 'wards',
    level: 'warn',
    event: 'lookup-not-loaded',
    text: expect.stringMatching(/the database is away The rows of .*Z are used meanwhile/),
  });
  await vi.waitFor(() => expect(one.entries()).toEqual({ W1: 'south' }));
  expect(one.loaded.of('wards')?.at).toBeGreaterThan(at ?? 0);
  // what fails again and again is told once
  expect(names(one.told)).toEqual(['lookup-loaded', 'lookup-not-loaded', 'lookup-loaded']);
});

test('rows of before a start serve while the source is away; those of another question do not', async () => {
  const source: Source = { gives: [{ W1: 'north' }], loads: 0 };
  const away: Source = { gives: [new TemporaryError('away')], loads: 0 };
  await using first = await loading();
  await first.loader.start(definitionWith(sourceOf(source)));
  await vi.waitFor(async () => expect(await first.kept()).toBeDefined());
  await first.loader.close();
  await using second = await loading(first.production);
  await second.loader.start(definitionWith(sourceOf(away)));
  expect(second.entries()).toEqual({ W1: 'north' });
  await using third = await loading(first.production);
  await third.loader.start(definitionWith(sourceOf(away, { question: 'another' })));
  expect(third.loaded.of('wards')).toBeUndefined();
  expect(third.told[0]?.text).toMatch(/no rows yet/);
});

test('a refusal is not asked for again soon, since accounts are locked for less', async () => {
  await using one = await loading();
  const source: Source = { gives: [new DisableError('wrong password')], loads: 0 };
  const other: Source = { gives: [{ a: 'b' }], loads: 0 };
  await one.loader.start(definitionWith(sourceOf(source), sourceOf(other, { name: 'other' })));
  await vi.waitFor(() => expect(other.loads).toBeGreaterThan(5));
  expect(source.loads).toBe(1);
});

test('a change of the production loads what asks for something else, and forgets what is gone', async () => {
  await using one = await loading();
  const same: Source = { gives: [{ a: '1' }], loads: 0 };
  const gone: Source = { gives: [{ b: '1' }], loads: 0 };
  const changed: Source = { gives: [{ c: '1' }], loads: 0 };
  const every = 600_000;
  const wards = sourceOf(same, { every });
  await one.loader.start(
    definitionWith(
      wards,
      sourceOf(gone, { name: 'gone', every }),
      sourceOf(changed, { name: 'changed', every }),
    ),
  );
  changed.gives = [{ c: '2' }];
  one.loader.apply(
    definitionWith(wards, sourceOf(changed, { name: 'changed', every, question: 'other' })),
  );
  // until the new question is answered, the rows of the old one serve
  expect(one.entries('changed')).toEqual({ c: '1' });
  await vi.waitFor(() => expect(one.entries('changed')).toEqual({ c: '2' }));
  expect(one.loaded.of('gone')).toBeUndefined();
  expect([same.loads, gone.loads, changed.loads]).toEqual([1, 1, 2]);
});

test('a source that answers nothing holds no start up for long, and no stop', async () => {
  await using one = await loading();
  const source = sourceOf({ gives: [], loads: 0 });
  const silent: LookupSource = {
    ...source,
    adapter: {
      ...source.adapter,
      load: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
        }),
    },
  };
  const starting = one.loader.start(definitionWith(silent));
  const begin = performance.now();
  await one.loader.close();
  await starting;
  expect(performance.now() - begin).toBeLessThan(5_000);
  expect(names(one.told)).toEqual([]);
});

test('a table that is too large for the store is not kept, which is said once', async () => {
  await using one = await loading();
  const large = Object.fromEntries(
    Array.from({ length: 40_000 }, (_, index) => [`K${index}`, randomBytes(24).toString('hex')]),
  );
  const source = sourceOf({ gives: [large], loads: 0 }, { every: 600_000 });
  await one.loader.start(definitionWith(source));
  await vi.waitFor(() => expect(names(one.told)).toContain('lookup-not-kept'), 10_000);
  expect(Object.keys(one.entries())).toHaveLength(40_000);
});
