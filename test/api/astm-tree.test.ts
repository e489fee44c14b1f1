import { expect, test } from 'vitest';
import { astmTree } from '../../src/api/body/astm-tree.ts';
import { contentDiff } from '../../src/api/body/body-diff.ts';

const RESULT =
  'H|\\^&|M7|||||||||P|LIS2-A2\rO|1|S1||^^^GLU\\^^^NA\rR|1|^^^GLU|5.4\rR|2|^^^NA|140\r';

test('a message of a device is a tree of records and fields, with the paths that rules use', () => {
  const tree = astmTree(Buffer.from(RESULT), undefined);
  expect(tree).toMatchObject({ standard: 'ASTM', version: 'LIS2-A2' });
  expect(tree.segments.map(({ name, index, title }) => [name, index, title])).toEqual([
    ['H', 1, 'Header'],
    ['O', 1, 'Order'],
    ['R', 1, 'Result'],
    ['R', 2, 'Result'],
  ]);
  const places = tree.segments.flatMap(({ fields }) =>
    fields.flatMap(({ repetitions }) => repetitions.flat().map(({ path, value }) => [path, value])),
  );
  expect(Object.fromEntries(places)).toMatchObject({
    'H-2': '\\^&',
    'O-3': 'S1',
    'O-5.4': 'GLU',
    'O-5[2].4': 'NA',
    'R-4': '5.4',
    'R[2]-4': '140',
  });
});

test('two of them are compared field by field', () => {
  const reading = { type: 'application/astm' };
  const other = Buffer.from(RESULT.replace('140', '141'));
  const { kind, fields } = contentDiff(
    { bytes: Buffer.from(RESULT), reading },
    { bytes: other, reading },
  );
  expect(kind).toBe('segments');
  expect(fields).toMatchObject([{ path: 'R[2]-4', before: '140', after: '141' }]);
});
