import { expect, test } from 'vitest';
import { foundHosts } from '../../src/api/found-hosts.ts';
import type { HostDescription } from '../../src/control/production-description.ts';

const host = (
  name: string,
  connect: string,
  rest: Partial<HostDescription> = {},
): HostDescription => ({
  name,
  kind: 'operation',
  title: undefined,
  comment: undefined,
  tags: [],
  enabled: true,
  schedule: undefined,
  alert: undefined,
  place: { file: 'production.yaml', line: 1, column: 1 },
  adapter: 'mllp-out',
  inline: false,
  settings: [
    { path: 'connect', of: 'adapter', value: connect, written: true, place: undefined },
    { path: 'timeout', of: 'adapter', value: 30_000, written: false, place: undefined },
    { path: 'pool', of: 'host', value: { size: 4 }, written: true, place: undefined },
  ],
  rules: [],
  ...rest,
});

const HOSTS = [
  host('lab', '10.1.2.3:2575', { comment: 'Dr. Grey calls 4711', tags: ['laboratory'] }),
  host('ward', 'ward.example:2575'),
  host('pharmacy', '10.1.2.30:2575'),
];

const names = (text: string, visible?: readonly string[]): string[] =>
  foundHosts({ hosts: HOSTS }, text, visible).map((one) => one.host);

test('a host is found by what is written of it, and says where', () => {
  expect(names('10.1.2.3')).toEqual(['lab', 'pharmacy']);
  expect(foundHosts({ hosts: HOSTS }, 'WARD.example', undefined)).toEqual([
    { host: 'ward', kind: 'operation', found: [{ path: 'connect', value: 'ward.example:2575' }] },
  ]);
  expect(names('laborat')).toEqual(['lab']);
  expect(names('4711')).toEqual(['lab']);
  expect(names('"size":4')).toEqual(['lab', 'ward', 'pharmacy']);
});

test('neither defaults nor hosts that are not to be seen are found', () => {
  expect(names('30000')).toEqual([]);
  expect(names('10.1.2.3', ['pharmacy'])).toEqual(['pharmacy']);
});
