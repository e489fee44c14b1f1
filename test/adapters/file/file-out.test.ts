import { mkdir, readdir, readFile, rm, rmdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DiskStore } from '../../../adapters/file/disk-store.ts';
import fileOut from '../../../adapters/file/file-out.ts';
import type { Body } from '../../../src/adapter/index.ts';
import { inlineBody } from '../../../src/message/body.ts';
import { dropFile } from '../../../src/peer/folder/drop.ts';
import {
  messageOf,
  type OpenedOutbound,
  openOutbound,
  readGiven,
} from '../../support/open-adapter.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const open = (
  folder: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<OpenedOutbound> => openOutbound(fileOut, { folder, name: '{name}', ...given });

const text = (folder: string, name: string): Promise<string> =>
  readFile(join(folder, name), 'utf8');

const hl7 = (charset: string): string =>
  `MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5||||||${charset}||x\rPID|1||||Müller\r`;

describe('the name of a file', () => {
  test('comes from the template', async () => {
    await using folder = await temporaryFolder();
    await using out = await open(folder.path, { name: '{source}_{id}.hl7' });
    await out.send(Buffer.from('x'));
    expect(await readdir(folder.path)).toEqual(['adt-in_7000001.hl7']);
  });

  test.for(['../evil', '/etc/evil', 'a/b', 'a\\b', '..', '', ' ', 'a\u0000b', 'x'.repeat(300)])(
    'cannot leave the folder: %j',
    async (name) => {
      await using folder = await temporaryFolder();
      await using out = await open(folder.path);
      const sending = out.send(Buffer.from('x'), { name });
      await expect(sending).rejects.toMatchObject({
        code: 'ADAPTER_SUSPEND',
        message: expect.not.stringContaining('evil'),
      });
      await using appending = await open(folder.path, { write: 'append' });
      await expect(appending.send(Buffer.from('x'), { name })).rejects.toMatchObject({
        code: 'ADAPTER_SUSPEND',
      });
      expect(await readdir(folder.path)).toEqual([]);
    },
  );
});

describe('a name that is taken', () => {
  test.for([
    { exists: 'replace', files: { 'a.hl7': 'new' } },
    { exists: 'number', files: { 'a.hl7': 'old', 'a-1.hl7': 'new' } },
  ])('$exists', async ({ exists, files }) => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a.hl7'), 'old');
    await using out = await open(folder.path, { exists });
    await out.send(Buffer.from('new'), { name: 'a.hl7' });
    const seen: Record<string, string> = {};
    for (const name of await readdir(folder.path)) seen[name] = await text(folder.path, name);
    expect(seen).toEqual(files);
  });

  test('suspend keeps the message, and the file as it is', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'a.hl7'), 'old');
    await using out = await open(folder.path);
    const sending = out.send(Buffer.from('new'), { name: 'a.hl7' });
    await expect(sending).rejects.toMatchObject({ code: 'ADAPTER_SUSPEND' });
    expect(await readdir(folder.path)).toEqual(['a.hl7']);
    expect(await text(folder.path, 'a.hl7')).toBe('old');
  });
});

describe('appending', () => {
  test('adds messages with a separator, one after the other', async () => {
    await using folder = await temporaryFolder();
    await using out = await open(folder.path, { write: 'append', separator: '\n--\n' });
    const parts = Array.from({ length: 20 }, (_, n) => `message ${n}`);
    await Promise.all(parts.map((part) => out.send(Buffer.from(part), { name: 'log.txt' })));
    const written = (await text(folder.path, 'log.txt')).split('\n--\n').slice(0, -1);
    expect(written.toSorted()).toEqual(parts.toSorted());
  });

  test('does not follow a link that lies at the name', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'precious'), 'kept');
    await symlink(join(folder.path, 'precious'), join(folder.path, 'log.txt'));
    await using out = await open(folder.path, { write: 'append' });
    await expect(out.send(Buffer.from('new'), { name: 'log.txt' })).rejects.toThrow(
      'There is a link',
    );
    expect(await text(folder.path, 'precious')).toBe('kept');
  });

  test('that fails in the middle leaves nothing of the message behind', async () => {
    await using folder = await temporaryFolder();
    await using out = await open(folder.path, { write: 'append' });
    await out.send(Buffer.from('first'), { name: 'log.txt' });
    await expect(out.send(broken('half'), { name: 'log.txt' })).rejects.toThrow('cut off');
    await out.send(Buffer.from('second'), { name: 'log.txt' });
    expect(await text(folder.path, 'log.txt')).toBe('first\nsecond\n');
  });
});

describe('a text encoding', () => {
  test('is written instead of the message’s own', async () => {
    await using folder = await temporaryFolder();
    await using out = await open(folder.path, { charset: 'ISO-8859-1' });
    await out.send(Buffer.from('Müller'), { name: 'a' });
    await out.send(Buffer.from('M\xfcller', 'latin1'), { name: 'b', charset: 'iso-8859-1' });
    expect(await readFile(join(folder.path, 'a'))).toEqual(Buffer.from('M\xfcller', 'latin1'));
    expect(await readFile(join(folder.path, 'b'))).toEqual(Buffer.from('M\xfcller', 'latin1'));
  });

  test.for([
    ['8859/1', 'latin1', 'UTF-8', 'UNICODE UTF-8', 'utf8'],
    ['UNICODE UTF-8', 'utf8', 'ISO-8859-1', '8859/1', 'latin1'],
    ['', 'utf8', 'ISO-8859-1', '', 'latin1'],
  ] as const)(
    'of HL7 that says %j is named in it (from %s to %s: %j)',
    async ([says, from, charset, named, to]) => {
      await using folder = await temporaryFolder();
      await using out = await open(folder.path, { charset });
      await out.send(Buffer.from(hl7(says), from), { name: 'a', type: 'HL7v2:ADT_A01:2.5' });
      expect((await readFile(join(folder.path, 'a'))).toString(to)).toBe(hl7(named));
    },
  );

  test('that lacks a character keeps the message for a person', async () => {
    await using folder = await temporaryFolder();
    await using out = await open(folder.path, { charset: 'ISO-8859-1' });
    const sending = out.send(Buffer.from('Šimek'), { name: 'a' });
    await expect(sending).rejects.toMatchObject({
      code: 'ADAPTER_SUSPEND',
      message: expect.stringMatching(/characters that do not exist in iso-8859-1/),
    });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('nobody knows is refused before anything starts', async () => {
    await expect(open('/', { charset: 'klingon' })).rejects.toThrow(
      'settings.charset: must be a text encoding',
    );
  });
});

test('nobody sees half a file: a body that breaks off leaves no file', async () => {
  await using folder = await temporaryFolder();
  await using out = await open(folder.path);
  await expect(out.send(broken('half'), { name: 'a.hl7' })).rejects.toThrow('cut off');
  expect(await readdir(folder.path)).toEqual([]);
});

test('a program that takes what is still being written is told as that, not as a wrong folder', async () => {
  await using folder = await temporaryFolder();
  class Robbed extends DiskStore {
    override async write(path: string, ...more: [AsyncIterable<Uint8Array>, AbortSignal]) {
      await super.write(path, ...more);
      await rm(path);
    }
  }
  const settings = {
    folder: { render: async () => folder.path, isFixed: true, top: folder.path },
    name: { render: async () => 'a.hl7' },
    temporary: '.*.part',
    exists: 'suspend',
  };
  const message = { id: 1, body: inlineBody(Buffer.from('x')) };
  // each try may be one more copy for that program
  for (const [denied, code] of [
    ['retry', 'ADAPTER_TEMPORARY'],
    ['suspend', 'ADAPTER_SUSPEND'],
  ] as const) {
    const store = new Robbed({ sync: false });
    const to = { ...settings, denied } as never;
    await expect(dropFile(store, to, message as never, AbortSignal.any([]))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/was gone before it got its name.*change temporary/),
    });
  }
});

test('a message that is given up leaves no file either, and the next one is written', async () => {
  await using folder = await temporaryFolder();
  const out = await open(folder.path);
  const controller = new AbortController();
  const { body, go } = slow('half');
  const sending = out.send(body, { name: 'a.hl7' }, controller.signal);
  controller.abort(new Error('operation timed out'));
  await expect(sending).rejects.toThrow('operation timed out');
  go();
  await out.send(Buffer.from('whole'), { name: 'b.hl7' });
  await out.close();
  expect(await readdir(folder.path)).toEqual(['b.hl7']);
});

test('files get the permissions of the setting', async () => {
  await using folder = await temporaryFolder();
  await using out = await open(folder.path, { mode: '0640' });
  await out.send(Buffer.from('x'), { name: 'a' });
  expect((await stat(join(folder.path, 'a'))).mode & 0o777).toBe(0o640);
});

test('a folder is made if that is wanted', async () => {
  await using folder = await temporaryFolder();
  const inside = join(folder.path, 'a', 'b');
  await expect(open(inside)).rejects.toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
  await using out = await open(inside, { makeFolder: true });
  await out.send(Buffer.from('x'), { name: 'a' });
  expect(await readdir(inside)).toEqual(['a']);
});

/** A body that breaks off after its first part. */
function broken(part: string): Body {
  return {
    size: 1_000,
    inline: undefined,
    bytes: () => Promise.reject(new Error('cut off')),
    async *stream() {
      yield Buffer.from(part);
      throw new Error('cut off');
    },
  };
}

/** A body whose second part comes when it is told to. */
function slow(part: string): { body: Body; go: () => void } {
  const gate = Promise.withResolvers<void>();
  const body: Body = {
    size: 1_000,
    inline: undefined,
    bytes: () => Promise.reject(new Error('not in memory')),
    async *stream() {
      yield Buffer.from(part);
      await gate.promise;
      yield Buffer.from(part);
    },
  };
  return { body, go: gate.resolve };
}

test('the folder may be another one for each message, and nothing leaves it', async () => {
  await using folder = await temporaryFolder();
  await using opened = await openOutbound(
    fileOut,
    { folder: '{source}/{name}', name: '{id}.txt', makeFolder: true },
    { folder: folder.path },
  );
  await opened.send(Buffer.from('a'), { source: 'lab', name: 'ward 4' });
  await opened.send(Buffer.from('b'), { source: 'lab', name: 'ward 5', id: 2 });
  expect(await readFile(join(folder.path, 'lab/ward 4/7000001.txt'), 'utf8')).toBe('a');
  expect(await readFile(join(folder.path, 'lab/ward 5/2.txt'), 'utf8')).toBe('b');
  await expect(opened.send(Buffer.from('c'), { source: 'lab', name: '..' })).rejects.toMatchObject({
    code: 'ADAPTER_SUSPEND',
  });
  expect(await readdir(folder.path)).toEqual(['lab']);
});

describe('a marker', () => {
  const file = Buffer.from('body');

  test.for([
    ['.done', 'lab.hl7.done'],
    ['*.ok', 'lab.ok'],
    ['READY', 'lab.hl7READY'],
  ] as const)('%s is written once the file is there, empty', async ([marker, name]) => {
    await using folder = await temporaryFolder();
    await using out = await open(folder.path, { marker });
    await out.send(file, { name: 'lab.hl7' });
    expect((await readdir(folder.path)).toSorted()).toEqual(['lab.hl7', name].toSorted());
    expect(await text(folder.path, name)).toBe('');
  });

  test('that cannot be written fails the try, and the next one writes it and no second file', async () => {
    await using folder = await temporaryFolder();
    // a folder of its name is in the way
    await mkdir(join(folder.path, 'lab.hl7.done'));
    await using out = await open(folder.path, {
      marker: '.done',
      exists: 'number',
      charset: 'ISO-8859-1',
    });
    const message = messageOf(Buffer.from('Müller'), { name: 'lab.hl7', type: 'text/plain' });
    const send = (): Promise<unknown> => out.sendMessage(message);
    await expect(send()).rejects.toBeInstanceOf(Error);
    await rmdir(join(folder.path, 'lab.hl7.done'));
    await send();
    expect((await readdir(folder.path)).toSorted()).toEqual(['lab.hl7', 'lab.hl7.done']);
  });

  test('has the name of the file with its number, and one that an earlier engine left out is written', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'lab.hl7'), 'other');
    await writeFile(join(folder.path, 'lab-1.hl7'), file);
    await using out = await open(folder.path, { marker: '.done', exists: 'number' });
    await out.send(file, { name: 'lab.hl7', possibleDuplicate: true });
    expect((await readdir(folder.path)).toSorted()).toEqual([
      'lab-1.hl7',
      'lab-1.hl7.done',
      'lab.hl7',
    ]);
  });

  test('with the name of the file is refused, and there is none for files that grow', async () => {
    await using folder = await temporaryFolder();
    await using out = await open(folder.path, { marker: '*.hl7' });
    await expect(out.send(file, { name: 'lab.hl7' })).rejects.toMatchObject({
      code: 'ADAPTER_SUSPEND',
    });
    expect(await readdir(folder.path)).toEqual([]);
    expect(
      await fileOut.check?.(
        readGiven(fileOut.settings, {
          folder: folder.path,
          name: 'a',
          write: 'append',
          marker: '.done',
        }),
      ),
    ).toMatchObject([{ path: ['marker'] }]);
  });
});
