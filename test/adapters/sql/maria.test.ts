import { afterAll, describe } from 'vitest';
import { mariaDatabase, theDatabase } from '../../support/sql-databases.ts';
import { describeConnecting } from './connecting-of.ts';
import { describeContracts } from './contract-of.ts';
import { describeFaults } from './faults-of.ts';
import { describeLookups } from './lookups-of.ts';
import { describeReading } from './reading-of.ts';
import { describeWriting } from './writing-of.ts';

const found = await mariaDatabase();

describe.skipIf(found === undefined)('maria', () => {
  const database = theDatabase(found);
  afterAll(() => found?.[Symbol.asyncDispose]());
  describeContracts(database);
  describeConnecting(database);
  describeReading(database);
  describeWriting(database);
  describeLookups(database);
  describeFaults(database);
});
