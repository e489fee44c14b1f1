import { expect, test } from 'vitest';
import type { FoundFile } from '../../../src/peer/folder/file-scan.ts';
import { withMarkers } from '../../../src/peer/folder/pickup.ts';

function found(...paths: string[]): FoundFile[] {
  return paths.map((path) => ({
    name: path.slice(path.lastIndexOf('/') + 1),
    relative: path,
    path,
    kind: 'file',
    size: 1,
    modified: 1,
  }));
}

test('a marker is the name, or the name without its ending, with the ending of markers', () => {
  const files = found('a.hl7', 'b.hl7', 'c.hl7', 'a.hl7.done', 'b.done');
  expect(withMarkers(files, files, '.done').map(({ path, marker }) => [path, marker])).toEqual([
    ['a.hl7', 'a.hl7.done'],
    ['b.hl7', 'b.done'],
    ['c.hl7', undefined],
  ]);
});

test('a marker counts in its own folder only', () => {
  const files = found('one/a.hl7', 'two/a.hl7', 'one/a.hl7.done');
  expect(withMarkers(files, files, '.done').map(({ marker }) => marker)).toEqual([
    'one/a.hl7.done',
    undefined,
  ]);
});

test('without an ending all files are as they were', () => {
  const files = found('a.hl7', 'a.hl7.done');
  expect(withMarkers(files, files, undefined)).toBe(files);
});
