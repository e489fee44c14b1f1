import { expect, test } from 'vitest';
import { folderTemplate } from '../../../src/peer/folder/folder-template.ts';
import { messageOf, readGiven } from '../../support/open-adapter.ts';

const read = (place: 'disk' | 'peer', folder: string) =>
  readGiven({ folder: folderTemplate(place, { help: 'A folder.' }) }, { folder }, { folder: '/p' })
    .folder;

test.for([
  ['peer', '/in/lab', '/in/lab', '/in/lab'],
  ['peer', 'in/{source}', 'in', 'in/adt-in'],
  ['peer', '/{source}', '/', '/adt-in'],
  ['peer', '{source}/x', '', 'adt-in/x'],
  ['peer', '/in/lab-{source}/{name}', '/in', '/in/lab-adt-in/ward 4'],
  ['disk', 'out', '/p/out', '/p/out'],
  ['disk', 'out/{source}', '/p/out', '/p/out/adt-in'],
  ['disk', '{source}', '/p', '/p/adt-in'],
  ['disk', 'out/lab/{source}', '/p/out/lab', '/p/out/lab/adt-in'],
  ['disk', 'out/lab-{source}', '/p/out', '/p/out/lab-adt-in'],
  ['disk', '../out/{source}', '/out', '/out/adt-in'],
  ['disk', '/{source}', '/', '/adt-in'],
  ['disk', '/abs/{name}', '/abs', '/abs/ward 4'],
] as const)('on a %s, %s lies below "%s"', async ([place, given, top, filled]) => {
  const folder = read(place, given);
  expect(folder.top).toBe(top);
  expect(folder.isFixed).toBe(!given.includes('{'));
  expect(await folder.render(messageOf(Buffer.from('x'), { name: 'ward 4' }))).toBe(filled);
});

test.for(['..', '.', '', ' ', '../etc', 'a/b', String.raw`a\b`, 'a\0b', 'a\nb', '/etc'])(
  'a value that would lead elsewhere (%j) is kept for a person and not quoted',
  async (name) => {
    for (const given of ['/in/{name}', '/in/{name}/x']) {
      const rendering = read('peer', given).render(messageOf(Buffer.from('x'), { name }));
      await expect(rendering).rejects.toMatchObject({
        code: 'ADAPTER_SUSPEND',
        message: expect.stringMatching(/^The folder made for this message has an empty part/),
      });
    }
  },
);

test('two values cannot make a way up together', async () => {
  const folder = read('peer', '/in/.{name}/x');
  await expect(folder.render(messageOf(Buffer.from('x'), { name: '.' }))).rejects.toMatchObject({
    code: 'ADAPTER_SUSPEND',
  });
});
