import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { type RunningProduction, runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const PRODUCTION = `production: doctors
services:
  in: { adapter: file-in, settings: { folder: in, every: 50ms, stable: 50ms }, to: [named] }
processes:
  named:
    run: queued
    retry: { every: 100ms, for: 1h }
    rules:
      - { name: known, when: 'lookup("doctors", json("/doctor")) != ""', send: { to: out, transform: name } }
      - { otherwise: discard }
operations:
  out: { adapter: file-out, settings: { folder: out, name: '{json("/n")}.json' } }
transforms: { name: name.yaml }
lookups:
  doctors:
    adapter: sql-lookup
    every: 100ms
    settings: { product: sqlite, file: doctors.db, query: "SELECT id, name FROM doctor" }
`;

/** A production whose table is in a database that may be away. */
async function line(folder: TemporaryFolder) {
  for (const name of ['in', 'out']) await mkdir(join(folder.path, name));
  await writeFile(join(folder.path, 'production.yaml'), PRODUCTION);
  await writeFile(
    join(folder.path, 'name.yaml'),
    `steps:\n  - { set: /name, to: 'lookup("doctors", json("/doctor"))' }\n`,
  );
  const file = join(folder.path, 'doctors.db');
  return {
    run: (): Promise<RunningProduction> =>
      runProduction({
        folder: folder.path,
        data: join(folder.path, 'data'),
        durability: 'process-crash',
        log: silentLogger,
      }),
    say: (...statements: readonly string[]): void => {
      const database = new DatabaseSync(file, { timeout: 5_000 });
      for (const one of statements) database.exec(one);
      database.close();
    },
    goAway: () => rename(file, `${file}.away`),
    comeBack: () => rename(`${file}.away`, file),
    comes: (n: number, doctor: string) =>
      writeFile(join(folder.path, 'in', `${n}.json`), JSON.stringify({ n, doctor })),
    arrived: async (): Promise<string[]> => {
      const names = await readdir(join(folder.path, 'out'));
      const texts = await Promise.all(
        names.toSorted().map((name) => readFile(join(folder.path, 'out', name), 'utf8')),
      );
      return texts.map((text) => String((JSON.parse(text) as { name: unknown }).name));
    },
  };
}

test('a table follows its database, and outlives it and a restart of the engine', async () => {
  await using folder = await temporaryFolder('lookup');
  const { run, say, goAway, comeBack, comes, arrived } = await line(folder);
  const arrive = (...names: readonly string[]): Promise<void> =>
    vi.waitFor(async () => expect(await arrived()).toEqual(names), 20_000);
  say(
    'CREATE TABLE doctor (id TEXT PRIMARY KEY, name TEXT)',
    "INSERT INTO doctor VALUES ('D1', 'Who')",
  );
  let running = await run();
  try {
    await comes(1, 'D1');
    await arrive('Who');
    say("UPDATE doctor SET name = 'Hu'");
    await vi.waitFor(
      () => expect(running.definition.lookups.lookup('doctors', 'D1')).toBe('Hu'),
      10_000,
    );
    await comes(2, 'D1');
    await arrive('Who', 'Hu');
    await goAway();
    await vi.waitFor(async () => {
      const figures = await running.metrics.text();
      expect(figures).toMatch(
        /waybill_events_total\{.*host="doctors",event="lookup-not-loaded"\} 1/,
      );
    }, 10_000);
    await comes(3, 'D1');
    await arrive('Who', 'Hu', 'Hu');
    await running.stop();
    running = await run();
    await comes(4, 'D1');
    await arrive('Who', 'Hu', 'Hu', 'Hu');
    await comeBack();
    say("UPDATE doctor SET name = 'Wu'");
    await vi.waitFor(
      () => expect(running.definition.lookups.lookup('doctors', 'D1')).toBe('Wu'),
      15_000,
    );
  } finally {
    await running.stop();
  }
});

test('messages wait for a table that has never been loaded', async () => {
  await using folder = await temporaryFolder('lookup');
  const { run, say, comes, arrived } = await line(folder);
  await using running = await run();
  await comes(1, 'D1');
  await vi.waitFor(
    () =>
      expect(running.director.statuses().find(({ host }) => host === 'named')).toMatchObject({
        retrying: expect.anything(),
      }),
    15_000,
  );
  expect(await arrived()).toEqual([]);
  say(
    'CREATE TABLE doctor (id TEXT PRIMARY KEY, name TEXT)',
    "INSERT INTO doctor VALUES ('D1', 'Who')",
  );
  await vi.waitFor(async () => expect(await arrived()).toEqual(['Who']), 20_000);
});

test('a changed query is asked at once, by an apply that restarts no host', async () => {
  await using folder = await temporaryFolder('lookup');
  const { run, say } = await line(folder);
  say(
    'CREATE TABLE doctor (id TEXT PRIMARY KEY, name TEXT, title TEXT)',
    "INSERT INTO doctor VALUES ('D1', 'Who', 'Dr. Who')",
  );
  await using running = await run();
  expect(running.definition.lookups.lookup('doctors', 'D1')).toBe('Who');
  await writeFile(
    join(folder.path, 'production.yaml'),
    PRODUCTION.replace('SELECT id, name', 'SELECT id, title').replace(
      'every: 100ms\n    settings',
      'every: 1h\n    settings',
    ),
  );
  const reloaded = await running.reload({ dryRun: false, by: 'test' });
  expect(reloaded.restarts).toEqual([]);
  await vi.waitFor(
    () => expect(running.definition.lookups.lookup('doctors', 'D1')).toBe('Dr. Who'),
    10_000,
  );
});
