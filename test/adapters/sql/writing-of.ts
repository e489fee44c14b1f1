import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import sqlOut from '../../../adapters/sql/sql-out.ts';
import { type OpenedOutbound, openOutbound } from '../../support/open-adapter.ts';
import type { SqlDatabase } from '../../support/sql-databases.ts';

let tables = 0;

const ORDER = Buffer.from(
  "MSH|^~\\&|A|B|C|D|20260101||ADT^A01^ADT_A01|1|P|2.5.1\rPID|1||4711^^^H^MR||O'Brien\\T\\Söhne^{x}\r",
);

const send = (out: OpenedOutbound, id = 1): ReturnType<OpenedOutbound['send']> =>
  out.send(ORDER, { id });

/** Statements with the values of messages. */
export function describeWriting(database: () => SqlDatabase): void {
  const table = async (columns = 'n BIGINT PRIMARY KEY, name VARCHAR(40)'): Promise<string> => {
    const name = `written_${++tables}`;
    await database().ask(`CREATE TABLE ${name} (${columns})`);
    return name;
  };
  const open = (
    statements: string | readonly string[],
    given: Readonly<Record<string, unknown>> = {},
  ): Promise<OpenedOutbound> =>
    openOutbound(sqlOut, { ...database().given(), statements, ...given }, database().options);

  describe('a statement', () => {
    test('gets values apart from its text, whatever they hold', async () => {
      const name = await table();
      await using out = await open(
        `INSERT INTO ${name} (n, name) VALUES ({id}, {field("PID-5.1")})`,
      );
      const reply = await send(out);
      expect(reply).toMatchObject({ code: 'OK', type: 'application/json' });
      expect(await database().ask(`SELECT name FROM ${name}`)).toEqual([{ name: "O'Brien&Söhne" }]);
    });

    test('sends an empty value as NULL, or as a text', async () => {
      const name = await table();
      await using nulls = await open(`INSERT INTO ${name} VALUES ({id}, {field("PID-8")})`);
      await send(nulls, 1);
      await using texts = await open(`INSERT INTO ${name} VALUES ({id}, {field("PID-8")})`, {
        empty: 'text',
      });
      await send(texts, 2);
      expect(await database().ask(`SELECT name FROM ${name} ORDER BY n`)).toEqual([
        { name: null },
        { name: database().words.emptyIsNull === true ? null : '' },
      ]);
    });

    test('gives rows as an answer, and says where there are more', async () => {
      const name = await table();
      await database().ask(`INSERT INTO ${name} VALUES (1, 'a'), (2, 'b'), (3, NULL)`);
      await using out = await open(`SELECT n, name FROM ${name} WHERE n > {id} ORDER BY n`);
      expect(JSON.parse(String((await send(out, 1))?.body.toString()))).toEqual({
        count: 2,
        rows: [
          { n: 2, name: 'b' },
          { n: 3, name: null },
        ],
      });
      expect(await send(out, 9)).toMatchObject({ code: 'NOTHING' });
      await using few = await open(`SELECT n FROM ${name} ORDER BY n`, { rows: 2 });
      const reply = await send(few);
      expect(reply?.code).toBe('MORE');
      expect(JSON.parse(String(reply?.body.toString()))).toEqual({
        count: 2,
        rows: [{ n: 1 }, { n: 2 }],
        more: true,
      });
    });

    test('changes that hit no row are told', async () => {
      const name = await table();
      await using out = await open(`UPDATE ${name} SET name = {type} WHERE n = {id}`);
      expect(await send(out)).toMatchObject({ code: 'NOTHING' });
    });

    test('may be the call of a procedure', async () => {
      const name = await table();
      const procedure = database().words.procedure(name);
      if (procedure === undefined) return;
      await database().makeProcedure(name);
      await using out = await open(procedure.call);
      const reply = await send(out, 5);
      expect(JSON.parse(String(reply?.body.toString()))).toMatchObject({ rows: [{ next: 6 }] });
      expect(await database().ask(`SELECT * FROM ${name}`)).toHaveLength(1);
    });
  });

  describe('several statements', () => {
    test('take effect together or not at all', async () => {
      const name = await table();
      await using out = await open([
        `INSERT INTO ${name} VALUES ({id}, 'one')`,
        `INSERT INTO ${name} VALUES ({id} + 1, 'two')`,
      ]);
      expect(await send(out, 1)).toMatchObject({ code: 'OK' });
      expect(await send(out, 0)).toMatchObject({ code: 'DUPLICATE' });
      expect(await database().ask(`SELECT n FROM ${name} ORDER BY n`)).toHaveLength(2);
      expect(await send(out, 10)).toMatchObject({ code: 'OK' });
    });
  });

  describe('what the server refuses', () => {
    test.for([
      ['duplicate', "VALUES (1, 'x')"],
      ['constraint', 'VALUES (NULL, {id})'],
      ['value', 'VALUES ({id}, {body()})'],
    ] as const)('%s, in its own words and ours, and no row is quoted', async ([code, values]) => {
      const said = database().words.said[code];
      if (said === undefined) return;
      const name = await table('n BIGINT NOT NULL PRIMARY KEY, name VARCHAR(4)');
      await database().ask(`INSERT INTO ${name} VALUES (1, 'a')`);
      await using out = await open(`INSERT INTO ${name} ${values}`);
      const reply = await send(out, 2);
      expect(reply).toMatchObject({ code: code.toUpperCase() });
      expect(reply?.text).not.toContain('Brien');
      expect(reply?.text).toMatch(/\. \S/);
      expect(reply?.text?.split('\n')[1]).toMatch(said);
      expect(await database().ask(`SELECT n FROM ${name}`)).toHaveLength(1);
    });

    test.for([
      ['unknown', 'SELECT * FROM nowhere'],
      ['syntax', 'SELEKT 1'],
    ] as const)('%s: every message would be', async ([code, statement]) => {
      await using out = await open(statement);
      expect(await send(out)).toMatchObject({ code: code.toUpperCase() });
    });

    test('a deadlock is one that another try may better', async () => {
      if (!database().words.locksRows) return;
      const name = await table();
      await database().ask(`INSERT INTO ${name} VALUES (1, ''), (2, '')`);
      const two = (first: number, second: number): Promise<OpenedOutbound> =>
        open([
          `UPDATE ${name} SET name = 'x' WHERE n = ${first}`,
          `SELECT ${database().words.pause(300)} AS s`,
          `UPDATE ${name} SET name = 'x' WHERE n = ${second}`,
        ]);
      await using one = await two(1, 2);
      await using other = await two(2, 1);
      const replies = await Promise.all([send(one), send(other)]);
      expect(new Set(replies.map((reply) => reply?.code))).toEqual(new Set(['DEADLOCK', 'OK']));
    });

    test('a statement that takes too long is cancelled there, and the connection serves on', async () => {
      const slow = database().words.pause('{id}');
      await using out = await open(`SELECT ${slow} AS s`, { timeout: '1s' });
      expect(await send(out, 30_000)).toMatchObject({ code: 'TIMEOUT' });
      expect(await database().running()).toEqual([]);
      expect(await send(out, 1)).toMatchObject({ code: 'OK' });
    });

    test('one that is given up is cancelled there too', async () => {
      const slow = database().words.pause(30_000);
      await using out = await open(`SELECT ${slow} AS s`);
      const given = new AbortController();
      const sending = out.send(ORDER, {}, given.signal);
      await vi.waitFor(async () => expect(await database().running()).toHaveLength(1));
      given.abort(new Error('timed out'));
      await expect(sending).rejects.toThrow('timed out');
      await vi.waitFor(async () => expect(await database().running()).toEqual([]));
    });
  });

  describe('a connection that is lost', () => {
    test('in a statement: a row that is there then is our own', async () => {
      const name = await table();
      const slow = database().words.pause(400);
      if (!database().words.isRemote) return;
      await using gate = await database().gate();
      await using out = await open(
        `INSERT INTO ${name} (n, name) SELECT {id}, ${slow}`,
        gate.given,
      );
      const sending = Promise.allSettled([send(out, 7)]);
      await sleep(150);
      gate.pause();
      await sleep(500);
      await gate.shut();
      const [end] = await sending;
      expect(end).toMatchObject({
        reason: {
          code: 'ADAPTER_TEMPORARY',
          message: expect.stringMatching(/unknown whether it took effect/),
        },
      });
      gate.resume();
      await gate.open();
      expect(await send(out, 7)).toMatchObject({ code: 'REPEATED' });
      expect(await send(out, 7)).toMatchObject({ code: 'DUPLICATE' });
      expect(await database().ask(`SELECT n FROM ${name}`)).toHaveLength(1);
    });

    test('before: a message that may have been sent by an earlier engine is known by its key', async () => {
      const name = await table();
      await database().ask(`INSERT INTO ${name} VALUES (1, 'x')`);
      await using out = await open(`INSERT INTO ${name} VALUES ({id}, 'x')`);
      const again = await out.send(ORDER, { id: 1, possibleDuplicate: true });
      expect(again).toMatchObject({ code: 'REPEATED' });
    });
  });

  test.for([
    ['INSERT INTO t VALUES (\'{field("PID-3")}\')', /within quotes/],
    ['SELECT $1', /placeholder of the driver/],
    ['SELECT ?', /placeholder of the driver/],
    ['DELETE FROM t; DROP TABLE t', /more than one statement/],
    ['SELECT {id', /no counterpart/],
    ["SELECT 'x", /not closed/],
    ['SELECT {fild("PID-3")}', /fild/],
    [' ', /empty/],
  ] as const)('is refused before anything is sent: %s', async ([statement, why]) => {
    await expect(open(statement)).rejects.toThrow(why);
  });
}
