import { afterAll, describe } from 'vitest';
import { postgresDatabase, theDatabase } from '../../support/sql-databases.ts';
import { describeConnecting } from './connecting-of.ts';
import { describeContracts } from './contract-of.ts';
import { describeFaults } from './faults-of.ts';
import { describeLookups } from './lookups-of.ts';
import { describeReading } from './reading-of.ts';
import { describeWriting } from './writing-of.ts';

const found = await postgresDatabase();

describe.skipIf(found === undefined)('postgres', () => {
  const database = theDatabase(found);
  afterAll(() => found?.[Symbol.asyncDispose]());
  describeContracts(database, ['mark', 'key']);
  describeConnecting(database);
  describeReading(database);
  describeWriting(database);
  describeLookups(database);
  describeFaults(database);
});
