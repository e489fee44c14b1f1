import { afterAll, describe } from 'vitest';
import { sqliteDatabase } from '../../support/sqlite-database.ts';
import { describeContracts } from './contract-of.ts';
import { describeFaults } from './faults-of.ts';
import { describeLookups } from './lookups-of.ts';
import { describeReading } from './reading-of.ts';
import { describeWriting } from './writing-of.ts';

const found = await sqliteDatabase();
const database = (): typeof found => found;

describe('sqlite', () => {
  afterAll(() => found[Symbol.asyncDispose]());
  describeContracts(database, ['mark', 'key']);
  describeReading(database);
  describeWriting(database);
  describeLookups(database);
  describeFaults(database);
});
