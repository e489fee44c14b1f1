import { afterAll, describe } from 'vitest';
import { oracleDatabase } from '../../support/oracle-database.ts';
import { describeConnecting } from './connecting-of.ts';
import { describeContracts } from './contract-of.ts';
import { describeFaults } from './faults-of.ts';
import { describeLookups } from './lookups-of.ts';
import { describeReading } from './reading-of.ts';
import { describeWriting } from './writing-of.ts';

const found = await oracleDatabase();

const database = (): typeof found => found;

describe('oracle', () => {
  afterAll(() => found[Symbol.asyncDispose]());
  describeContracts(database);
  describeConnecting(database);
  describeReading(database);
  describeWriting(database);
  describeLookups(database);
  describeFaults(database);
});
