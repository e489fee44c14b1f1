import { expect, test } from 'vitest';
import type { Memory } from '../../../src/adapter/adapter.ts';
import type { FoundFile } from '../../../src/peer/folder/file-scan.ts';
import { filterInTurns } from '../../../src/peer/folder/in-turns.ts';
import { stillness } from '../../../src/peer/folder/stillness.ts';
import { takenFiles } from '../../../src/peer/folder/taken-files.ts';

const files = Array.from({ length: 40_000 }, (_, n): FoundFile => {
  const name = `${n}.hl7`;
  return { name, kind: 'file', path: `in/${name}`, relative: name, size: n % 2, modified: 1_000 };
});

/** How often others had their turn while something was done. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let next = setImmediate(function count() {
    turns += 1;
    next = setImmediate(count);
  });
  await work();
  clearImmediate(next);
  return turns;
}

test('others have their turn while forty thousand files are looked through, and all are, in order', async () => {
  let found: readonly FoundFile[] = [];
  const turns = await turnsDuring(async () => {
    found = await filterInTurns(files, ({ size }) => size === 1);
  });
  expect(turns).toBeGreaterThanOrEqual(9);
  expect(found.map(({ path }) => path)).toEqual(
    files.filter((_, n) => n % 2 === 1).map(({ path }) => path),
  );
});

test('the same for files that may still be written to', async () => {
  const still = stillness(1);
  expect(await turnsDuring(() => still.settled(files))).toBeGreaterThanOrEqual(9);
});

test('the same where some are remembered, of which one is gone', async () => {
  const memory: Memory = { read: async () => undefined, write: async () => undefined };
  const taken = await takenFiles(memory);
  for (const { path } of files.slice(0, 2)) await taken.add(path, files[0] as FoundFile);
  expect(await turnsDuring(() => taken.keepOnly(files))).toBeGreaterThanOrEqual(9);
  expect(taken.size).toBe(1);
  expect(taken.has('in/0.hl7', files[0] as FoundFile)).toBe(true);
});
