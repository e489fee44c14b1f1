import { expect, test } from 'vitest';
import { problemList } from '../../../src/definition/problem.ts';
import { readYaml } from '../../../src/definition/written/parse-blocks.ts';
import { parseYaml } from '../../../src/definition/written/parse-yaml.ts';
import { valueAt, type Written } from '../../../src/definition/written/written.ts';
import { processorTime } from '../../support/processor-time.ts';

const HOSTS = 40;
const host = (n: number): string => `  # host ${n}
  in-${n}:
    title: "From system ${n}"
    adapter: mllp-in
    settings: { listen: '127.0.0.1:${20_000 + n}' }
    note: |
      several
      lines ${n}
    to: [a, b]
`;
const TEXT = `# a large production
production: big
settings:
  search: { mrn: PID-3.1 }

services:
${Array.from({ length: HOSTS }, (_, n) => host(n)).join('\n')}
processes: {}
operations:
  out:
    adapter: mllp-out
    title: >-
      folded
      text
`;

/** All values with their places, also those within texts. */
function told(written: Written | undefined): unknown {
  if (written === undefined) return undefined;
  const { kind, place } = written;
  if (kind === 'list') return { place, items: written.items.map(told) };
  if (kind === 'block')
    return {
      place,
      entries: [...written.entries.values()].map(({ key, place: at, value }) => [
        key,
        at,
        told(value),
      ]),
    };
  const { value, source, placeOf } = written;
  return { place, value, source, within: [0, 3, 7].map(placeOf) };
}

function both(text: string, open: ReadonlyMap<string, string>): [unknown, unknown] {
  const [whole, parts] = [problemList(), problemList()];
  const expected = told(parseYaml('f.yaml', text, whole));
  const found = told(readYaml('f.yaml', text, { problems: parts, open }));
  return [
    { value: found, problems: parts.list() },
    { value: expected, problems: whole.list() },
  ];
}

test('block by block it reads what it reads as a whole, whatever is typed meanwhile', () => {
  const open = new Map<string, string>();
  const changes: ((text: string) => string)[] = [
    (text) => text,
    (text) => text.replace('From system 7"', 'From system seven"'),
    (text) => text.replace('  in-3:\n', '\n  # new\n  in-3:\n'),
    (text) => text.replace('  in-5:', '  in-4:'),
    (text) => text.replace('"From system 9"', '"From\n  system: 9"'),
    (text) => text.replace('"From system 9"', '"From system 9'),
    (text) => text.replace('"From system 9"', '"From\nsystem: 9"'),
    (text) =>
      text
        .replace('title: "From system 1"', 'title: &name "From"')
        .replace('to: [a, b]', 'to: *name'),
    (text) => text.replace('  in-8:\n', '  in-8: { adapter: x }\n  in-8b:\n'),
    (text) => text.replace('  in-8:\n', ' in-8:\n'),
    (text) => text.replace('    adapter: mllp-in', '\tadapter: mllp-in'),
    (text) => text.replace('services:\n', 'services: # all\n'),
    (text) => text.replace('services:\n', 'services: { a: b }\n'),
    (text) => text.replace('processes: {}', 'services: {}'),
    (text) => text.replace('processes: {}', '"quoted key": 1\nprocesses: {}'),
    (text) => text.replace('production: big', '- a list'),
    (text) => text.replace('lines 6\n', 'lines 6\n  less: indented\n'),
    (text) => text.replaceAll('\n', '\r\n'),
    (text) => `${text}---\nsecond: document\n`,
    (text) => text.replace('operations:\n', 'operations:\n  - list\n'),
    (text) => text.slice(0, text.length / 2),
    () => '',
    (text) => text,
  ];
  for (const change of changes) {
    const [found, expected] = both(change(TEXT), open);
    expect(found, String(change)).toEqual(expected);
  }
});

const at = (written: Written, n: number) => valueAt(written, ['services', `in-${n}`]);
const timed = (work: (n: number) => unknown): number => {
  const began = processorTime();
  for (let n = 0; n < 10; n++) work(n);
  return processorTime() - began;
};

test('what was not touched is not read again', () => {
  const open = new Map<string, string>();
  const read = (text: string) =>
    readYaml('f.yaml', text, { problems: problemList(), open }) as Written;
  const before = read(TEXT);
  const after = read(TEXT.replace('From system 7"', 'From system seven"'));
  expect(at(after, 8)).toBe(at(before, 8));
  expect(at(after, 7)).not.toBe(at(before, 7));
  const long = timed((n) => parseYaml('f.yaml', `${TEXT}# ${n}\n`, problemList()));
  const short = timed((n) => read(TEXT.replace('From system 7"', `From ${n}"`)));
  expect(short).toBeLessThan(long / 2);
});
