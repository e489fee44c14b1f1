import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { metaDatabase } from '../../../../src/access/meta/open-meta.ts';
import { database } from '../../../../src/database/postgres.ts';
import { ensureSchema } from '../../../../src/trace/store/postgres/schema.ts';
import { postgresTraceStore } from '../../../../src/trace/store/postgres/trace-store.ts';
import { hasPgBouncer, pgBouncer } from '../../../support/pgbouncer.ts';
import { type PostgresServer, postgresPrograms, startPostgres } from '../../../support/postgres.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { NOON, sampleSession } from '../../../support/trace-sample.ts';

const programs = await postgresPrograms();

describe.runIf(programs !== undefined && hasPgBouncer)('PgBouncer in front of it', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres(programs ?? '');
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** Two connections for all of them, so that each is another's a moment later. */
  const few = ['default_pool_size = 2', 'max_prepared_statements = 0'];
  const DROPS = 'ignore_startup_parameters = options';

  test.for([
    ['refuses settings', ['pool_mode = transaction']],
    ['drops settings', ['pool_mode = transaction', DROPS]],
    ['keeps connections apart', ['pool_mode = session', DROPS, 'default_pool_size = 40']],
  ] as const)(
    'one that %s: each production has its own tables',
    async ([, lines], { task, onTestFinished }) => {
      await using pool = await pgBouncer(server.url, [...few, ...lines]);
      await using data = await temporaryFolder('pooled');
      const names = ['ward', 'lab'].map((name) => `${name}-${task.id.replaceAll(/\W/g, '')}`);
      const stores = await Promise.all(
        names.map((production) => postgresTraceStore({ url: pool.url, production })),
      );
      const metas = await Promise.all(
        names.map((production) =>
          metaDatabase({ data: data.path, shared: { url: pool.url, production } }),
        ),
      );
      for (const each of [...stores, ...metas]) onTestFinished(() => each.close());
      // side by side, many times
      await Promise.all(
        stores.map(async (store, of) => {
          for (let number = 0; number < 10; number++) {
            const at = NOON + number;
            await store.apply(sampleSession({ number, at, target: names[of] ?? '' }).all);
            await store.find({ search: { mrn: 'M1' } });
          }
        }),
      );
      for (const [of, store] of stores.entries()) {
        const { items } = await store.find({ limit: 100 });
        expect(items).toHaveLength(20);
        expect(new Set(items.map(({ target }) => target))).toEqual(new Set(['router', names[of]]));
        expect(await store.purge({ now: NOON + 90 * 86_400_000, keep: 1 })).toMatchObject({
          removed: [{ messages: 20 }],
        });
      }
      expect(await tablesIn('public')).toEqual([]);
    },
  );

  test('tables that an earlier version wrote into public are told of, and nothing else there', async () => {
    const open = async (production: string): Promise<number> => {
      let told = 0;
      const onLeft = (): void => void told++;
      const store = await postgresTraceStore({ url: server.url, production, onLeft });
      await store.close();
      return told;
    };
    const client = new Client({ connectionString: server.url });
    await client.connect();
    await client.query('CREATE TABLE public.skey(another int)');
    expect(await open('later')).toBe(0);
    await client.query('DROP TABLE public.skey');
    const left = database({
      url: server.url,
      schema: 'public',
      purpose: 'test',
      connections: 1,
      limit: 5_000,
    });
    await ensureSchema(left, 'public');
    await left.close();
    expect([await open('later'), await open('later')]).toEqual([1, 1]);
    await client.query('DROP SCHEMA public CASCADE');
    await client.query('CREATE SCHEMA public');
    await client.end();
  });

  test('a statement that takes too long is ended there too', async () => {
    await using pool = await pgBouncer(server.url, [...few, 'pool_mode = transaction', DROPS]);
    const db = database({
      url: pool.url,
      schema: 'nowhere',
      purpose: 'test',
      connections: 1,
      limit: 300,
    });
    await expect(db.rows('SELECT pg_sleep(?)', 5)).rejects.toMatchObject({
      message: expect.stringMatching(/^PostgreSQL took longer/),
    });
    await db.close();
  });

  async function tablesIn(schema: string): Promise<unknown[]> {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    const { rows } = await client.query('SELECT tablename FROM pg_tables WHERE schemaname = $1', [
      schema,
    ]);
    await client.end();
    return rows;
  }
});
