import { expect, test } from 'vitest';
import { mappedIdentity } from '../../../src/access/sign-in/mapped-identity.ts';

const from = (told: Readonly<Record<string, unknown>>) =>
  mappedIdentity(
    (name) => told[name],
    { rolesFrom: 'groups', roles: { wards: 'viewer' }, scope: ['tag:{facility}-x'] },
    { via: 'header', defaultUser: 'user' },
  );

test('what a scope takes from a claim is text and nothing else', () => {
  const told = { user: 'anna', groups: ['wards'], facility: "$'$&$`" };
  expect(from(told).scope).toEqual(["tag:$'$&$`-x"]);
});

test('a name from outside is short and can be printed', () => {
  const common = { groups: ['wards'], facility: 'north' };
  expect(from({ ...common, user: 'Änne Müller' }).name).toBe('Änne Müller');
  for (const user of ['a\u001B[2Jb', 'a\u202Eb', 'a\nb', 'x'.repeat(201)])
    expect(() => from({ ...common, user })).toThrow('you are known');
});
