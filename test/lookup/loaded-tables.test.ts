import { expect, test } from 'vitest';
import { lookupTables } from '../../src/lookup/file-tables.ts';
import { LoadedTables } from '../../src/lookup/loaded-tables.ts';

const entries = new Map([['D1', 'Dr. Who']]);

test('a table from elsewhere is asked like one from a file', async () => {
  const loaded = new LoadedTables();
  loaded.fill('doctors', { entries, at: Date.now(), question: '' });
  const names = new Map([['doctors', Number.POSITIVE_INFINITY]]);
  const tables = await lookupTables(new Map(), { names, loaded });
  expect(tables.names).toEqual(['doctors']);
  expect(tables.lookup('doctors', 'D1')).toBe('Dr. Who');
  expect(tables.lookup('doctors', 'D2', '?')).toBe('?');
  expect(() => tables.lookup('doctor', 'D1')).toThrow(/did you mean doctors/);
});

test('one without rows yet fails for now', async () => {
  const names = new Map([['doctors', Number.POSITIVE_INFINITY]]);
  const tables = await lookupTables(new Map(), { names, loaded: new LoadedTables() });
  expect(() => tables.lookup('doctors', 'D1', 'x')).toThrow(
    expect.objectContaining({ code: 'LOOKUP_UNAVAILABLE', retryable: true }),
  );
});

test('rows that are older than stale are not used, and newer ones again', async () => {
  const loaded = new LoadedTables();
  const tables = await lookupTables(new Map(), { names: new Map([['doctors', 60_000]]), loaded });
  loaded.fill('doctors', { entries, at: Date.now() - 61_500, question: '' });
  expect(() => tables.lookup('doctors', 'D1')).toThrow(/are 1m old, and stale allows 1m/);
  loaded.fill('doctors', { entries, at: Date.now(), question: '' });
  expect(tables.lookup('doctors', 'D1')).toBe('Dr. Who');
});
