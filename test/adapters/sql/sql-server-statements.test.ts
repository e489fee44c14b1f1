import { afterAll, describe, expect, test } from 'vitest';
import sqlIn from '../../../adapters/sql/sql-in.ts';
import sqlOut from '../../../adapters/sql/sql-out.ts';
import { type OpenedOutbound, openInbound, openOutbound } from '../../support/open-adapter.ts';
import { sqlServerDatabase } from '../../support/sql-databases.ts';

const database = await sqlServerDatabase();
const { peer } = database;
afterAll(() => database[Symbol.asyncDispose]());

type Given = Readonly<Record<string, unknown>>;

const open = (statements: string | readonly string[], more: Given = {}): Promise<OpenedOutbound> =>
  openOutbound(sqlOut, { ...database.given(), statements, ...more }, database.options);
const send = (out: OpenedOutbound, body = 'x', id = 1): ReturnType<OpenedOutbound['send']> =>
  out.send(Buffer.from(body), { id, type: 'text/plain' });
const answerOf = async (out: OpenedOutbound, body?: string): Promise<unknown> =>
  JSON.parse(String((await send(out, body))?.body.toString()));

describe('errors by their numbers', () => {
  test.for([
    [
      2627,
      'DUPLICATE',
      "Violation of UNIQUE KEY constraint 'UQ_mrn'. Cannot insert duplicate key in object 'dbo.p'. The duplicate key value is (4711).",
      /UQ_mrn/,
    ],
    [
      2601,
      'DUPLICATE',
      "Cannot insert duplicate key row in object 'dbo.p' with unique index 'IX_mrn'. The duplicate key value is (4711).",
      /IX_mrn/,
    ],
    [
      547,
      'CONSTRAINT',
      'The INSERT statement conflicted with the FOREIGN KEY constraint "FK_ward". The conflict occurred in database "clinic", table "dbo.w", column \'code\'.',
      /FK_ward/,
    ],
    [
      2628,
      'VALUE',
      "String or binary data would be truncated in table 'clinic.dbo.p', column 'name'. Truncated value: '4711'.",
      /name/,
    ],
    [
      245,
      'VALUE',
      "Conversion failed when converting the nvarchar value '4711' to data type int.",
      /error 245/,
    ],
    [
      1205,
      'DEADLOCK',
      'Transaction (Process ID 52) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.',
      /conflicted with another transaction/,
    ],
    [
      1222,
      'DEADLOCK',
      'Lock request time out period exceeded.',
      /conflicted with another transaction/,
    ],
    [
      9002,
      'FULL',
      "The transaction log for database 'clinic' is full due to 'LOG_BACKUP'.",
      /used up/,
    ],
    [
      3906,
      'BUSY',
      "Failed to update database 'clinic' because the database is read-only.",
      /read-only/,
    ],
    [
      229,
      'DENIED',
      "The INSERT permission was denied on the object 'p', database 'clinic', schema 'dbo'.",
      /permission was denied on the object 'p'/,
    ],
    [208, 'UNKNOWN', "Invalid object name 'p'.", /Invalid object name 'p'/],
    [2812, 'UNKNOWN', "Could not find stored procedure 'p'.", /Could not find/],
    [102, 'SYNTAX', "Incorrect syntax near ')'.", /Incorrect syntax/],
    [50_001, 'RAISED', 'the ward is closed', /the ward is closed/],
    [4815, 'ERROR', 'Received an invalid column length from the bcp client.', /error 4815/],
  ] as const)('%d is %s', async ([number, code, message, says]) => {
    await using out = await open('INSERT INTO p (mrn) VALUES ({body()})');
    peer.fail(/INSERT INTO p /, number, message);
    const reply = await send(out, '4711');
    expect(reply?.code).toBe(code);
    expect(reply?.text).toMatch(says);
    expect(reply?.text).not.toContain('4711');
  });

  test('a deadlock has rolled the transaction back: the connection serves on', async () => {
    await database.ask('CREATE TABLE locked (n BIGINT PRIMARY KEY)');
    await using out = await open([
      'INSERT INTO locked (n) VALUES ({id})',
      'INSERT INTO locked (n) VALUES ({id} + 1)',
    ]);
    peer.fail(/\+ 1\)/, 1205);
    const before = peer.logins.length;
    expect(await send(out)).toMatchObject({ code: 'DEADLOCK' });
    expect(await database.ask('SELECT n FROM locked')).toEqual([]);
    expect(await send(out)).toMatchObject({ code: 'OK' });
    expect(peer.logins).toHaveLength(before);
  });

  test('a commit that the server refuses is told, and the message is tried again', async () => {
    await database.ask('CREATE TABLE undone (n BIGINT PRIMARY KEY)');
    await using out = await open([
      'INSERT INTO undone (n) VALUES ({id})',
      'INSERT INTO undone (n) VALUES ({id} + 1)',
    ]);
    peer.fail(/^transaction 7$/, 9002);
    expect(await send(out)).toMatchObject({ code: 'FULL' });
    expect(await database.ask('SELECT n FROM undone')).toEqual([]);
    expect(await send(out)).toMatchObject({ code: 'OK' });
  });
});

describe('values', () => {
  test('of every kind go there and come back exactly', async () => {
    await database.ask(
      'CREATE TABLE kinds (n BIGINT PRIMARY KEY, txt NVARCHAR(MAX), big DECIMAL(38,4), yes BIT, part FLOAT, gone NVARCHAR(10))',
    );
    await using out = await open([
      "INSERT INTO kinds VALUES ({id}, {body()}, {'-1234567890123456789012345678901234.5678'}, {true}, {0.1}, {''})",
      'SELECT txt, big, yes, part, gone FROM kinds WHERE n = {id}',
    ]);
    // more than a packet and than nvarchar(4000) holds, with characters of four bytes
    const long = 'Grüße 🏥 '.repeat(40_000);
    expect(await answerOf(out, long)).toEqual({
      count: 2,
      rows: [
        {
          txt: long,
          big: '-1234567890123456789012345678901234.5678',
          yes: true,
          part: 0.1,
          gone: null,
        },
      ],
    });
  });

  test('NULL stands in the text, as not every column takes one of another type', async () => {
    await database.ask('CREATE TABLE holes (n BIGINT, bytes VARBINARY(10))');
    await using out = await open(["INSERT INTO holes (n, bytes) VALUES ({id}, {''})"]);
    expect(await send(out)).toMatchObject({ code: 'OK' });
    expect(peer.texts.at(-1)).toContain('VALUES (@waybill1, NULL)');
  });
});

describe('a batch', () => {
  test('gives the outputs and the return value of a procedure', async () => {
    await database.ask('CREATE TABLE done (n BIGINT PRIMARY KEY, name NVARCHAR(40))');
    await database.makeProcedure('done');
    await using out = await open(
      'DECLARE @next BIGINT; EXEC dbo.put_done @a = {id}, @b = {body()}, @next = @next OUTPUT; SELECT @next AS next',
    );
    expect(await answerOf(out)).toMatchObject({ rows: [{ next: 2 }] });
    expect(await send(out)).toMatchObject({ code: 'DUPLICATE' });
    expect(await database.ask('SELECT n FROM done')).toEqual([{ n: 1 }]);
  });

  test('a procedure that is not there is told by try', async () => {
    await using out = await open('EXEC nothing {id}');
    expect(await send(out)).toMatchObject({ code: 'UNKNOWN' });
  });
});

describe('a query', () => {
  test('of many rows is stopped at the server after those that are wanted', async () => {
    await database.ask('CREATE TABLE many (n BIGINT PRIMARY KEY)');
    const rows = Array.from({ length: 500 }, (_, n) => `(${n})`).join(',');
    await database.ask(`INSERT INTO many VALUES ${rows}`);
    await using out = await open('SELECT n FROM many ORDER BY n', { rows: 3 });
    expect(await send(out)).toMatchObject({ code: 'MORE' });
    expect(peer.texts.at(-1)).toMatch(/^SET ROWCOUNT 4;/);
  });

  test('that cannot be read by a key is refused by check', async () => {
    const values = {
      ...database.given(),
      query: 'WITH fresh AS (SELECT n FROM many) SELECT n FROM fresh',
      key: 'n',
    };
    await expect(openInbound(sqlIn, values, database.options)).rejects.toThrow(
      /query: .*WITH.*view/,
    );
  });
});
