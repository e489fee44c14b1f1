import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { array, assert, nat, oneof, property, record, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { TraceFile } from '../../../../src/trace/store/sqlite/trace-file.ts';
import { newTraceKey, traceCipher } from '../../../../src/trace/store/trace-cipher.ts';
import { examples } from '../../../support/examples.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { hl7 } from '../../../support/trace-sample.ts';

const DAY = '2026-11-24';
const bodyOf = (number: number): Buffer => Buffer.from(hl7(`C${number}`, `M${number}`).repeat(4));
const rows = (file: TraceFile): { encoding: number; bytes: number }[] =>
  file.all('SELECT encoding, length(data) AS bytes FROM body ORDER BY id');

/** Writes each list in a transaction of its own, and reads all of them from the file opened again. */
function readAgain(
  path: string,
  batches: readonly (readonly { sessionId: number; bytes: Uint8Array }[])[],
): boolean {
  const writing = new TraceFile(DAY, path);
  const ids = batches.map((batch) =>
    writing.transaction(() =>
      batch.map(({ sessionId, bytes }) => writing.bodies.put(sessionId, { bytes })),
    ),
  );
  writing.close();
  const reading = new TraceFile(DAY, path);
  const same = batches.every((batch, at) =>
    batch.every(({ bytes }, n) => {
      const read = reading.bodies.read(ids[at]?.[n] ?? 0)?.bytes;
      return read !== undefined && Buffer.compare(read, bytes) === 0;
    }),
  );
  reading.close();
  return same;
}

test('any bodies come back, whatever is written together', async () => {
  await using folder = await temporaryFolder('bodies');
  const bytes = oneof(
    uint8Array({ maxLength: 300 }),
    nat(2_000).map((size) => Buffer.alloc(size * 40, 'OBX|1|')),
    nat(40).map((size) => randomBytes(size * 1_000)),
  );
  const batch = array(record({ sessionId: nat(5), bytes }), { maxLength: 12 });
  let run = 0;
  assert(
    property(array(batch, { maxLength: 4 }), (batches) =>
      readAgain(join(folder.path, `${++run}.db`), batches),
    ),
    { numRuns: examples(40) },
  );
});

test('bodies of a batch share blocks; one alone, a large one and a reference are rows of their own', async () => {
  await using folder = await temporaryFolder('bodies');
  const file = new TraceFile(DAY, join(folder.path, 'day.db'));
  const alone = file.transaction(() => file.bodies.put(1, { bytes: bodyOf(1) }));
  expect(rows(file)).toHaveLength(1);
  const many = Array.from({ length: 300 }, (_, number) => bodyOf(number + 2));
  const large = Buffer.alloc(100_000, 'x');
  const ids = file.transaction(() => {
    const numbers = many.map((bytes, at) => file.bodies.put(at + 2, { bytes }));
    file.bodies.put(7_000, { bytes: large });
    file.bodies.put(7_001, { ref: 'a/b', size: 9 });
    return numbers;
  });
  // a session takes an equal body from the block it is in
  file.bodies.forget();
  file.transaction(() =>
    file.run(
      'INSERT INTO message(id, session_id, target, status, attempts, created, size, body, flags) VALUES(2, 2, 1, 2, 1, 1, 1, ?, 0)',
      ids[0] ?? 0,
    ),
  );
  expect(file.transaction(() => file.bodies.put(2, { bytes: bodyOf(2) }))).toBe(ids[0]);
  const size = many.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const blocks = file.first<{ n: number }>('SELECT count(DISTINCT base) AS n FROM body')?.n;
  expect(blocks).toBe(Math.ceil(size / (64 * 1024)));
  expect(rows(file).filter(({ encoding }) => encoding === 6)).toHaveLength(300);
  expect(rows(file).reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(size / 10);
  expect(file.bodies.pointsTo('a/b')).toBe(true);
  expect(Buffer.from(file.bodies.read(alone)?.bytes ?? [])).toEqual(bodyOf(1));
  for (const at of [0, 299, 120]) {
    expect(Buffer.from(file.bodies.read(ids[at] ?? 0)?.bytes ?? [])).toEqual(many[at]);
  }
  file.close();
});

test('what a transaction that failed had numbered is forgotten, and its numbers are given again', async () => {
  await using folder = await temporaryFolder('bodies');
  const file = new TraceFile(DAY, join(folder.path, 'day.db'));
  const put = (): number[] => [1, 2, 3].map((id) => file.bodies.put(id, { bytes: bodyOf(id) }));
  expect(() =>
    file.transaction(() => {
      put();
      throw new Error('the disk is full');
    }),
  ).toThrow('the disk is full');
  expect(rows(file)).toEqual([]);
  const ids = file.transaction(put);
  expect(Buffer.from(file.bodies.read(ids[2] ?? 0)?.bytes ?? [])).toEqual(bodyOf(3));
  file.close();
});

test('a block is encrypted as a whole, and without its key or its row nothing of it is read', async () => {
  await using folder = await temporaryFolder('bodies');
  const path = join(folder.path, 'day.db');
  const sealed = new TraceFile(DAY, path, traceCipher([newTraceKey()], true));
  const [id = 0] = sealed.transaction(() =>
    [1, 2, 3].map((session) => sealed.bodies.put(session, { bytes: bodyOf(session) })),
  );
  expect(Buffer.from(sealed.bodies.read(id)?.bytes ?? [])).toEqual(bodyOf(1));
  sealed.close();
  const plain = new TraceFile(DAY, path);
  const stored = plain.all<{ data: Buffer }>('SELECT data FROM body');
  expect(stored.some(({ data }) => Buffer.from(data).includes('MSH'))).toBe(false);
  expect(() => plain.bodies.read(id)).toThrow(/is encrypted with the key/);
  plain.run('DELETE FROM body WHERE encoding >= 16');
  expect(() => plain.bodies.read(id)).toThrow(/the block that contains it is missing/);
  plain.close();
});
