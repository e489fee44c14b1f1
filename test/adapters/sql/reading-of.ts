import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import sqlIn from '../../../adapters/sql/sql-in.ts';
import { type OpenedInbound, openInbound } from '../../support/open-adapter.ts';
import type { SqlDatabase } from '../../support/sql-databases.ts';

let tables = 0;

interface Delivered {
  readonly n: number;
  readonly [column: string]: unknown;
}

const rowsOf = ({ delivered }: OpenedInbound): Delivered[] =>
  delivered.map(({ body }) => JSON.parse(body.toString()) as Delivered);
const numbers = (opened: OpenedInbound): number[] => rowsOf(opened).map(({ n }) => n);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

const byMark = ({ words }: SqlDatabase, name: string): Readonly<Record<string, unknown>> => ({
  query: words.skipping('n', name, 'WHERE sent = 0 ORDER BY n'),
  after: `UPDATE ${name} SET sent = 1 WHERE n = {n}`,
});

/** What becomes of rows: none lost, none twice. */
export function describeReading(database: () => SqlDatabase): void {
  const table = async (columns = 'n BIGINT PRIMARY KEY, sent INT DEFAULT 0'): Promise<string> => {
    const name = `rows_${++tables}`;
    await database().ask(`CREATE TABLE ${name} (${columns})`);
    return name;
  };
  const insert = (name: string, from: number, to: number): Promise<unknown> => {
    const values = upTo(to)
      .slice(from - 1)
      .map((n) => `(${n})`);
    return database().ask(`INSERT INTO ${name} (n) VALUES ${values.join(',')}`);
  };
  const open = (
    given: Readonly<Record<string, unknown>>,
    memory?: string,
  ): Promise<OpenedInbound> =>
    openInbound(
      sqlIn,
      { ...database().given(), every: '30ms', ...given },
      { ...database().options, ...(memory !== undefined && { memory }) },
    );
  const sent = async (name: string): Promise<number> => {
    const [found] = await database().ask(`SELECT count(*) AS c FROM ${name} WHERE sent = 1`);
    return Number(found?.['c']);
  };

  describe('values', () => {
    test('stay exact', async () => {
      const { words } = database();
      const name = await table(words.manyTypes);
      await database().ask(...words.insertMany(name));
      await using opened = await open({ query: `SELECT * FROM ${name}`, key: 'n' });
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
      expect(rowsOf(opened)[0]).toMatchObject({
        n: 1,
        big: '9007199254740993',
        dec_: '1.1000000000',
        dbl: 0.1,
        local_: '2026-03-29T02:30:00.123456',
        moment: expect.stringMatching(/^2026-07-01T10:00:00\.50*Z$/),
        day: words.day ?? '2026-01-31',
        bytes: 'AP8=',
        txt: 'Müller "x"',
        yes: true,
        nothing: null,
      });
      expect(opened.delivered[0]?.body.toString()).toContain(words.manyMore);
    });

    test('two columns of one name are refused: one would hide the other', async () => {
      const name = await table();
      await insert(name, 1, 1);
      await using opened = await open({
        query: database().words.locking(
          `SELECT a.n, b.n FROM ${name} a JOIN ${name} b ON a.n = b.n WHERE a.sent = 0`,
        ),
        after: `UPDATE ${name} SET sent = 1 WHERE n = {n}`,
      });
      await vi.waitFor(() => expect(opened.lost[0]?.message).toMatch(/two columns named n/));
      expect(opened.delivered).toEqual([]);
    });
  });

  describe('by a key', () => {
    test('more rows than fit a page come in order, each once, and so after a restart', async () => {
      const name = await table();
      await insert(name, 1, 250);
      const given = { query: `SELECT n FROM ${name}`, key: 'n', batch: 20 };
      const first = await open(given);
      await vi.waitFor(() => expect(first.delivered).toHaveLength(250));
      await first.close();
      await insert(name, 251, 260);
      await using second = await open(given, first.memory);
      await vi.waitFor(() => expect(second.delivered).toHaveLength(10));
      await sleep(100);
      expect(numbers(first)).toEqual(upTo(250));
      expect(numbers(second)).toEqual(upTo(260).slice(250));
    });

    test('begins after start', async () => {
      const name = await table();
      await insert(name, 1, 10);
      await using opened = await open({ query: `SELECT n FROM ${name}`, key: 'n', start: '7' });
      await vi.waitFor(() => expect(numbers(opened)).toEqual([8, 9, 10]));
    });

    test('a row that is committed late, below a key that was taken, is found', async () => {
      const name = await table();
      await database().ask(`INSERT INTO ${name} (n) VALUES (1), (3), (4)`);
      await using opened = await open({ query: `SELECT n FROM ${name}`, key: 'n' });
      await vi.waitFor(() => expect(numbers(opened)).toEqual([1, 3, 4]));
      await database().ask(`INSERT INTO ${name} (n) VALUES (2)`);
      await vi.waitFor(() => expect(numbers(opened)).toEqual([1, 3, 4, 2]));
      await database().ask(`INSERT INTO ${name} (n) VALUES (5)`);
      await vi.waitFor(() => expect(numbers(opened)).toEqual([1, 3, 4, 2, 5]));
    });

    test('a row that is committed late is found after a poll of many pages too', async () => {
      const name = await table();
      const early = upTo(250).filter((n) => n !== 235);
      await database().ask(
        `INSERT INTO ${name} (n) VALUES ${early.map((n) => `(${n})`).join(',')}`,
      );
      const given = { query: `SELECT n FROM ${name}`, key: 'n', batch: 20, remember: 50 };
      await using opened = await open(given);
      await vi.waitFor(() => expect(numbers(opened)).toEqual(early));
      await insert(name, 235, 235);
      await vi.waitFor(() => expect(numbers(opened)).toEqual([...early, 235]));
      await insert(name, 251, 300);
      await vi.waitFor(() =>
        expect(numbers(opened)).toEqual([...early, 235, ...upTo(300).slice(250)]),
      );
    });

    test('rows that share a key are never cut apart, also over a page and a failure', async () => {
      const name = await table('n BIGINT PRIMARY KEY, k INT, sent INT DEFAULT 0');
      const values = upTo(60).map((n) => `(${n}, ${Math.floor(n / 25)})`);
      await database().ask(`INSERT INTO ${name} (n, k) VALUES ${values.join(',')}`);
      const given = { query: `SELECT n, k FROM ${name}`, key: 'k', batch: 7, remember: 5 };
      await using opened = await open(given);
      await vi.waitFor(() => expect(opened.delivered.length).toBeGreaterThan(9));
      opened.refuse();
      await sleep(60);
      opened.accept();
      await vi.waitFor(() => expect(opened.delivered.length).toBeGreaterThanOrEqual(60));
      await sleep(100);
      expect(numbers(opened).toSorted((a, b) => a - b)).toEqual(upTo(60));
    });

    test('several columns count together', async () => {
      const name = await table('n BIGINT PRIMARY KEY, day DATE');
      await database().ask(
        `INSERT INTO ${name} VALUES (3, '2026-01-01'), (1, '2026-01-02'), (2, '2026-01-02'), (9, '2025-12-31')`,
      );
      await using opened = await open({
        query: `SELECT n, day FROM ${name}`,
        key: ['day', 'n'],
        batch: 1,
        remember: 1,
      });
      await vi.waitFor(() => expect(numbers(opened)).toEqual([9, 3, 1, 2]));
      await database().ask(`INSERT INTO ${name} VALUES (5, '2026-01-02')`);
      await vi.waitFor(() => expect(numbers(opened)).toEqual([9, 3, 1, 2, 5]));
    });

    test.for([
      [
        'a number beyond what JavaScript counts',
        'BIGINT',
        ['9007199254740993', '9007199254740992'],
      ],
      ['a decimal', 'DECIMAL(20,6)', ['1.000002', '1.000001']],
      [
        'a time to the microsecond',
        'MICROSECONDS',
        ["'2026-01-01 00:00:00.000002'", "'2026-01-01 00:00:00.000001'"],
      ],
      ['a text', 'VARCHAR(20)', ["'ä''b'", "'a'"]],
      ['bytes', 'BYTES', ['x02', 'x01']],
    ] as const)('a key that is %s is compared exactly', async ([, type, [high, low]]) => {
      const { words } = database();
      const literal = (value: string): string =>
        value.startsWith('x') ? words.bytesOf(value.slice(1)) : value;
      const types: Readonly<Record<string, string>> = {
        BYTES: words.bytes,
        MICROSECONDS: words.microseconds,
      };
      const name = await table(`k ${types[type] ?? type}, n INT`);
      await database().ask(
        `INSERT INTO ${name} (k, n) VALUES (${literal(high)}, 2), (${literal(low)}, 1)`,
      );
      const given = { query: `SELECT k, n FROM ${name}`, key: 'k', batch: 1, remember: 1 };
      const first = await open(given);
      await vi.waitFor(() => expect(numbers(first)).toEqual([1, 2]));
      await sleep(80);
      await first.close();
      expect(numbers(first)).toEqual([1, 2]);
      await using second = await open(given, first.memory);
      await sleep(100);
      expect(numbers(second)).toEqual([]);
    });

    test('rows without a key are told', async () => {
      const name = await table('n BIGINT, sent INT');
      await database().ask(`INSERT INTO ${name} (n) VALUES (NULL), (1), (NULL)`);
      await using opened = await open({ query: `SELECT n FROM ${name}`, key: 'n' });
      await vi.waitFor(() => expect(numbers(opened)).toEqual([1]));
      expect(opened.events).toContainEqual(
        expect.objectContaining({
          name: 'rows-without-key',
          text: expect.stringMatching(/^2 rows/),
        }),
      );
    });

    test('a memory of another key is refused, rather than begin anew', async () => {
      const name = await table();
      const memory = JSON.stringify({
        columns: ['other'],
        kinds: ['whole'],
        floor: ['5'],
        recent: [],
      });
      await expect(open({ query: `SELECT n FROM ${name}`, key: 'n' }, memory)).rejects.toThrow(
        /remembers how far it read by other/,
      );
    });

    test('as batches, a list a message', async () => {
      const name = await table();
      await insert(name, 1, 7);
      await using opened = await open({
        query: `SELECT n FROM ${name}`,
        key: 'n',
        rows: 'batch',
        batch: 3,
      });
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(3));
      const lists = opened.delivered.map(({ body }) => JSON.parse(body.toString()) as Delivered[]);
      expect(lists.flat().map(({ n }) => n)).toEqual(upTo(7));
    });
  });

  describe('by marks', () => {
    test('each row once, marked in the transaction it was read in', async () => {
      const name = await table();
      await insert(name, 1, 120);
      await using opened = await open({ ...byMark(database(), name), batch: 50 });
      await vi.waitFor(async () => expect(await sent(name)).toBe(120));
      expect(numbers(opened)).toEqual(upTo(120));
      await database().ask(`UPDATE ${name} SET sent = 0 WHERE n = 7`);
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(121));
      expect(opened.delivered[120]?.dedupeKey).not.toBe(opened.delivered[6]?.dedupeKey);
    });

    test('what is deleted after storing is not lost when the store refuses', async () => {
      const name = await table();
      await insert(name, 1, 5);
      await using opened = await open({
        query: database().words.locking(`SELECT n FROM ${name} ORDER BY n`),
        after: `DELETE FROM ${name} WHERE n = {n}`,
      });
      opened.refuse();
      await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(0));
      opened.accept();
      await vi.waitFor(async () =>
        expect(await database().ask(`SELECT n FROM ${name}`)).toEqual([]),
      );
      expect(numbers(opened).toSorted((a, b) => a - b)).toEqual(upTo(5));
    });

    test('a statement that marks nothing is told, and the row is not delivered for ever', async () => {
      const name = await table();
      await insert(name, 1, 2);
      await using opened = await open({
        ...byMark(database(), name),
        after: `UPDATE ${name} SET sent = 1 WHERE n = -1`,
      });
      await vi.waitFor(() =>
        expect(opened.events.map((one) => one.name)).toContain('row-not-marked'),
      );
      await sleep(150);
      expect(numbers(opened)).toEqual([1, 2]);
    });

    test('a column that the query does not give is named', async () => {
      const name = await table();
      await insert(name, 1, 1);
      await using opened = await open({
        ...byMark(database(), name),
        after: `UPDATE ${name} SET sent = 1 WHERE n = {m}`,
      });
      await vi.waitFor(() => expect(opened.lost[0]?.message).toMatch(/\{m\}/));
    });

    test('a row that is changed while it is taken comes again as it is then, or the change waits', async () => {
      const { locksWhatItReads } = database().words;
      const name = await table('n BIGINT PRIMARY KEY, v INT, sent INT DEFAULT 0');
      await database().ask(`INSERT INTO ${name} (n, v) VALUES (1, 1)`);
      await using opened = await open({
        query: `SELECT n, v FROM ${name} WHERE sent = 0`,
        after: `UPDATE ${name} SET sent = 1 WHERE n = {n}`,
      });
      opened.hold();
      await vi.waitFor(() => expect(opened.waiting).toBe(1));
      const changing = database().ask(`UPDATE ${name} SET v = 2 WHERE n = 1`);
      if (!locksWhatItReads) await changing;
      opened.release();
      await changing;
      await vi.waitFor(async () => expect(await sent(name)).toBe(1));
      expect(rowsOf(opened).at(-1)?.['v']).toBe(locksWhatItReads ? 1 : 2);
      expect(await database().ask(`SELECT v FROM ${name}`)).toEqual([{ v: 2 }]);
    });

    test('a lost connection in the midst of a transaction: no row is lost and none comes twice', async () => {
      const name = await table();
      await insert(name, 1, 200);
      await using gate = await database().gate();
      const given = { ...gate.given, ...byMark(database(), name), batch: 30 };
      const seen: number[] = [];
      let memory: string | undefined;
      for (let round = 0; round < 8; round++) {
        const opened = await open(given, memory);
        await vi.waitFor(() =>
          expect(opened.delivered.length + opened.lost.length).toBeGreaterThan(0),
        );
        await sleep(round * 7);
        await gate.shut();
        await vi.waitFor(() => expect(opened.lost.length).toBe(1));
        await opened.close();
        seen.push(...numbers(opened));
        ({ memory } = opened);
        await gate.open();
        if (seen.length >= 200) break;
      }
      await using last = await open(given, memory);
      await vi.waitFor(async () => expect(await sent(name)).toBe(200));
      seen.push(...numbers(last));
      expect(seen.toSorted((a, b) => a - b)).toEqual(upTo(200));
    });

    test('a commit that fails: the row is marked later and not delivered again; set back by hand, it comes again', async () => {
      if (!database().words.mayRefuseCommits) return;
      const name = await table();
      await insert(name, 1, 1);
      await database().ask(
        `CREATE FUNCTION no_${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING ERRCODE = '23514'; END $$`,
        `CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON ${name} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no_${name}()`,
      );
      const first = await open(byMark(database(), name));
      await vi.waitFor(() => expect(first.lost).toHaveLength(1));
      await first.close();
      expect(numbers(first)).toEqual([1]);
      expect(await sent(name)).toBe(0);
      await database().ask(`DROP TRIGGER late ON ${name}`);
      const second = await open(byMark(database(), name), first.memory);
      await vi.waitFor(async () => expect(await sent(name)).toBe(1));
      await second.close();
      expect(numbers(second)).toEqual([]);
      // with the memory of the failure: the row was marked by somebody else, and is then set back
      await using third = await open(byMark(database(), name), first.memory);
      await sleep(100);
      await database().ask(`UPDATE ${name} SET sent = 0`);
      await vi.waitFor(() => expect(numbers(third)).toEqual([1]));
    });

    test('a query that takes its rows itself takes no more than it may', async () => {
      const name = await table();
      const query = database().words.takingItself(name);
      if (query === undefined) return;
      await insert(name, 1, 5);
      const small = await open({ query, batch: 3 });
      await vi.waitFor(() => expect(small.lost[0]?.message).toMatch(/removes more rows/));
      await small.close();
      expect(await database().ask(`SELECT n FROM ${name}`)).toHaveLength(5);
      await using opened = await open({ query });
      await vi.waitFor(() => expect(numbers(opened)).toEqual(upTo(5)));
    });
  });

  describe('a query that never ends', () => {
    test('is cancelled on the server', async () => {
      const name = await table();
      await insert(name, 1, 1);
      const slow = database().words.pause(30_000);
      await using opened = await open({
        query: `SELECT n, ${slow} AS s FROM ${name} WHERE sent = 0`,
        after: `UPDATE ${name} SET sent = 1 WHERE n = {n}`,
        timeout: '300ms',
      });
      await vi.waitFor(
        () => expect(opened.lost[0]?.message).toMatch(/cancelled on the server/),
        8_000,
      );
      await vi.waitFor(async () => expect(await database().running()).toEqual([]));
    });
  });

  test.for([
    [{}, /nothing says which rows were taken/],
    [{ key: 'n', after: 'DELETE FROM t WHERE n = {n}' }, /cannot be combined with key/],
    [{ key: 'n', start: ['1', '2'] }, /one value for each column/],
  ] as const)('a contradiction is refused: %j', async ([given, why]) => {
    await expect(open({ query: 'SELECT n FROM t', ...given })).rejects.toThrow(why);
  });
}
