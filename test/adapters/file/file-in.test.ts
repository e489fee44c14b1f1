import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { dropFile } from '../../support/drop-file.ts';
import type { OpenedInbound } from '../../support/open-adapter.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { looking } from './looking.ts';

const adt = (id: string): string => `MSH|^~\\&|A|B|C|D|2026||ADT^A01|${id}|P|2.5\rPID|1\r`;

const delivered = (opened: OpenedInbound, count: number): Promise<void> =>
  vi.waitFor(() => expect(opened.delivered).toHaveLength(count));

test('a file is delivered with its name, type and a key of name, size and time, then archived', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'a.hl7'), adt('1'));
  await using opened = await looking(folder.path, { archive: 'done' });
  await vi.waitFor(async () => expect(await readdir(join(folder.path, 'done'))).toEqual(['a.hl7']));
  expect(opened.delivered).toMatchObject([
    {
      name: 'a.hl7',
      type: 'HL7v2:ADT_A01:2.5',
      origin: folder.path,
      dedupeKey: expect.stringMatching(/^a\.hl7 \d+ [\d.]+$/),
    },
  ]);
});

test('a name that is not in UTF-8 is told, since Node.js cannot ask for it', async () => {
  await using folder = await temporaryFolder();
  const name = Buffer.from('M\xfcller.hl7', 'latin1');
  await writeFile(Buffer.concat([Buffer.from(`${folder.path}/`), name]), adt('1'));
  await using opened = await looking(folder.path);
  await vi.waitFor(() =>
    expect(opened.events).toMatchObject([
      { name: 'file-unreadable', text: expect.stringMatching(/^M\uFFFDller\.hl7 .*not in UTF-8/) },
    ]),
  );
  await dropFile(join(folder.path, 'b.hl7'), adt('2'));
  await delivered(opened, 1);
  expect(opened.events).toHaveLength(1);
});

test('a name that is in the archive already gets the time added', async () => {
  await using folder = await temporaryFolder();
  const archive = join(folder.path, 'done');
  await mkdir(archive);
  await writeFile(join(archive, 'a.hl7'), 'yesterday');
  await writeFile(join(folder.path, 'a.hl7'), adt('1'));
  await using _ = await looking(folder.path, { archive });
  await vi.waitFor(async () => expect(await readdir(archive)).toHaveLength(2));
  expect(await readFile(join(archive, 'a.hl7'), 'utf8')).toBe('yesterday');
});

test('a batch is delivered message by message, or whole', async () => {
  await using folder = await temporaryFolder();
  const batch = `BHS|^~\\&\r${adt('1')}${adt('2')}BTS|2\r`;
  await writeFile(join(folder.path, 'a.hl7'), batch);
  await using split = await looking(folder.path);
  await delivered(split, 2);
  expect(split.delivered.map(({ body }) => body.toString())).toEqual([adt('1'), adt('2')]);
  await split.close();

  await writeFile(join(folder.path, 'b.hl7'), batch);
  await using whole = await looking(folder.path, { batch: 'whole' });
  await delivered(whole, 1);
  expect(whole.delivered[0]?.body.toString()).toBe(batch);
});

const bodies = (opened: OpenedInbound): string[] =>
  opened.delivered.map(({ body }) => body.toString());

/** These patients under their header. */
const under = (...numbers: number[]): string =>
  `mrn;name\n${numbers.map((one) => `${one};x\n`).join('')}`;

describe('a file of records', () => {
  const rows = Array.from({ length: 10 }, (_, at) => `${at + 1};x`);
  const csv = `mrn;name\n${rows.join('\n')}\n`;

  test('is cut into messages under its header, each with a key of its own', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a.csv'), csv);
    const settings = { cut: { every: 4, header: 1 }, archive: 'done' };
    await using opened = await looking(folder.path, settings);
    await vi.waitFor(async () =>
      expect(await readdir(join(folder.path, 'done'))).toEqual(['a.csv']),
    );
    expect(bodies(opened)).toEqual([under(1, 2, 3, 4), under(5, 6, 7, 8), under(9, 10)]);
    expect(opened.delivered).toMatchObject([{ type: 'text/csv', name: 'a.csv' }, {}, {}]);
    expect(new Set(opened.delivered.map(({ dedupeKey }) => dedupeKey)).size).toBe(3);
    const text = 'a.csv had 10 records, in messages of up to 4.';
    expect(opened.events).toEqual([{ level: 'info', name: 'file-cut', text }]);
  });

  test('goes on where the store went down, also after a restart with another size', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a.csv'), csv);
    await using first = await looking(folder.path, { cut: { every: 4, header: 1 }, every: '1h' });
    first.hold();
    await vi.waitFor(() => expect(first.waiting).toBe(1));
    first.release();
    first.hold();
    await delivered(first, 1);
    first.refuse();
    first.release();
    await vi.waitFor(() => expect(first.refused).toBe(1));
    await first.close();
    await using second = await looking(folder.path, { cut: { every: 3, header: 1 } }, first.memory);
    await vi.waitFor(async () => expect(await readdir(folder.path)).toEqual([]));
    expect(bodies(first)).toEqual([under(1, 2, 3, 4)]);
    expect(bodies(second)).toEqual([under(5, 6, 7), under(8, 9, 10)]);
    expect(first.events.filter(({ name }) => name === 'file-cut')).toEqual([]);
    // all of the file, not only what came after the restart
    await vi.waitFor(() =>
      expect(second.events).toMatchObject([
        { name: 'file-cut', text: expect.stringContaining('had 10 records') },
      ]),
    );
  });

  test('of another kind is set aside with the reason', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a.xml'), '<a>\n</a>\n');
    await using opened = await looking(folder.path, { cut: { every: 4 }, failed: 'failed' });
    await vi.waitFor(() =>
      expect(opened.events).toMatchObject([
        { name: 'file-failed', text: expect.stringContaining('It is not a file of lines or rows') },
      ]),
    );
    expect(opened.delivered).toEqual([]);
  });
});

test('a large file is delivered as a stream', async () => {
  await using folder = await temporaryFolder();
  const text = `a;b\n${'x;y\n'.repeat(2_000_000)}`;
  await writeFile(join(folder.path, 'big.csv'), text);
  await using opened = await looking(folder.path);
  await delivered(opened, 1);
  expect(opened.delivered[0]).toMatchObject({ type: 'text/csv' });
  expect(opened.delivered[0]?.body.equals(Buffer.from(text)), 'the bytes were changed').toBe(true);
});

describe('which files are taken', () => {
  test('is each once where links lead in a circle, and what they lead to elsewhere', async () => {
    await using folder = await temporaryFolder();
    await using other = await temporaryFolder();
    await mkdir(join(folder.path, 'in', 'sub'), { recursive: true });
    await writeFile(join(folder.path, 'in', 'b.hl7'), adt('b'));
    await writeFile(join(other.path, 'a.hl7'), adt('a'));
    await symlink('..', join(folder.path, 'in', 'sub', 'circle'));
    await symlink(folder.path, join(folder.path, 'in', 'above'));
    await symlink(other.path, join(folder.path, 'in', 'else'));
    await symlink(join(folder.path, 'in'), join(other.path, 'back'));
    await using opened = await looking(join(folder.path, 'in'), {
      subfolders: 9,
      followLinks: true,
      keep: true,
      order: 'name',
    });
    await delivered(opened, 2);
    expect(opened.delivered.map(({ name }) => name)).toEqual(['b.hl7', 'else/a.hl7']);
  });

  test('is told by patterns and levels of subfolders', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'ward', 'deep'), { recursive: true });
    for (const name of ['a.hl7', 'a.txt', 'a.csv', 'b.part', 'ward/c.hl7', 'ward/deep/d.hl7']) {
      await writeFile(join(folder.path, name), adt(name));
    }
    await using opened = await looking(folder.path, {
      pattern: '*.hl7;*.txt',
      subfolders: 1,
      order: 'name',
    });
    await delivered(opened, 3);
    expect(opened.delivered.map(({ name }) => name)).toEqual(['a.hl7', 'a.txt', 'ward/c.hl7']);
  });

  test('is never one that is still being written', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'a.hl7');
    // a busy machine may need long for one of the files
    await using opened = await looking(folder.path, { stable: '1s' });
    for (let n = 0; n < 10; n++) {
      await writeFile(path, adt(`${n}`.repeat(n + 1)));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(opened.delivered).toEqual([]);
    }
    await delivered(opened, 1);
  });

  test('can wait for a marker', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a.hl7'), adt('1'));
    await writeFile(join(folder.path, 'b.hl7'), adt('2'));
    await using opened = await looking(folder.path, { marker: '.done' });
    await writeFile(join(folder.path, 'b.done'), '');
    await delivered(opened, 1);
    await vi.waitFor(async () => expect(await readdir(folder.path)).toEqual(['a.hl7']));
  });
});

describe('a crash', () => {
  test('after the delivery was noted and before the file was removed does not deliver it again', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a.hl7'), adt('1'));
    const first = await looking(folder.path, { keep: true });
    await delivered(first, 1);
    await vi.waitFor(() => expect(first.memory).toBeTruthy());
    const { memory } = first;
    await first.close();

    await using second = await looking(folder.path, {}, memory);
    await vi.waitFor(async () => expect(await readdir(folder.path)).toEqual([]));
    expect(second.delivered).toEqual([]);
  });

  test('before the delivery was noted delivers it again under the same key', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a.hl7'), adt('1'));
    const keys = new Set<string | undefined>();
    for (let n = 0; n < 2; n++) {
      const opened = await looking(folder.path, { keep: true });
      await delivered(opened, 1);
      keys.add(opened.delivered[0]?.dedupeKey);
      await opened.close();
    }
    expect(keys.size).toBe(1);
  });
});

test('a file of the same name that came later is another one', async () => {
  await using folder = await temporaryFolder();
  await using opened = await looking(folder.path);
  for (const id of ['1', '22']) {
    await dropFile(join(folder.path, 'a.hl7'), adt(id));
    await vi.waitFor(async () => expect(await readdir(folder.path)).toEqual([]));
  }
  expect(opened.delivered.map(({ body }) => body.toString())).toEqual([adt('1'), adt('22')]);
});

test('a folder that goes away is reported as a lost connection', async () => {
  await using folder = await temporaryFolder();
  const inside = join(folder.path, 'in');
  await mkdir(inside);
  await using opened = await looking(inside);
  await rename(inside, join(folder.path, 'gone'));
  await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
  expect(opened.lost[0]).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
  expect(opened.lost[0]?.message).toBe(
    `The folder ${inside} does not exist. Create it, or correct the setting.`,
  );
});
