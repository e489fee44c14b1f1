import { afterAll, describe, expect, test } from 'vitest';
import sqlOut from '../../../adapters/sql/sql-out.ts';
import { MORE } from '../../support/examples.ts';
import { odbcDatabase } from '../../support/odbc-database.ts';
import { openOutbound, testSteps } from '../../support/open-adapter.ts';
import { theDatabase } from '../../support/sql-databases.ts';
import { describeContracts } from './contract-of.ts';
import { describeFaults } from './faults-of.ts';
import { describeLookups } from './lookups-of.ts';
import { describeReading } from './reading-of.ts';
import { describeWriting } from './writing-of.ts';

const found = await odbcDatabase();
const database = theDatabase(found);

describe.skipIf(found === undefined)('odbc, with the driver of postgresql', () => {
  afterAll(() => found?.[Symbol.asyncDispose]());
  describeContracts(database);
  // what the other products show in each run, once more by a driver: 15 s of processor time
  if (MORE > 1) {
    describeReading(database);
    describeWriting(database);
    describeLookups(database);
  }

  test('a test tells who we are to the server; a wrong password stops the operation', async () => {
    const given = { ...database().given(), statements: 'SELECT 1' };
    const steps = await testSteps(sqlOut, given, database().options);
    expect(steps.map(({ name, result }) => `${name} ${result}`)).toEqual([
      'sign-in passed',
      'database passed',
      'statements passed',
    ]);
    expect(steps[0]?.detail).toMatch(/runs as clinic/);
    const wrong = openOutbound(sqlOut, { ...given, credential: 'wrong' }, database().options);
    await expect(wrong).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(/user or password is wrong.*password authentication failed/),
    });
  });

  test('a decimal that would be rounded is refused, and read exactly as text', async () => {
    const sum = '12345678901234567.89::numeric(20,2)';
    const given = { ...database().given(), statements: `SELECT ${sum} AS v` };
    await using out = await openOutbound(sqlOut, given, database().options);
    expect(await out.send(Buffer.from('x'))).toMatchObject({ code: 'VALUE' });
    const cast = { ...given, statements: `SELECT CAST(${sum} AS VARCHAR(50)) AS v` };
    await using exact = await openOutbound(sqlOut, cast, database().options);
    const reply = await exact.send(Buffer.from('x'));
    expect(String(reply?.body)).toContain('"12345678901234567.89"');
  });

  // the last ones: the server does not come back
  describeFaults(database);
});
