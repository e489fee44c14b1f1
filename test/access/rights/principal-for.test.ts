import { expect, test } from 'vitest';
import { rights } from '../../../src/access/rights/principal-for.ts';
import { BUILT_IN_ROLES, checkRoles } from '../../../src/access/rights/roles.ts';
import { checkScope, hostsInScope } from '../../../src/access/rights/scope.ts';

const HOSTS = [
  { name: 'adt-in', tags: ['north'] },
  { name: 'adt-out', tags: [] },
  { name: 'lab.in', tags: ['lab'] },
];
const who = { name: 'anna', via: 'local' };

test.each([
  [['*'], undefined],
  [[], []],
  [['host:adt-*'], ['adt-in', 'adt-out']],
  [['host:lab.in'], ['lab.in']],
  [['host:lab?in'], []],
  [
    ['tag:north', 'tag:lab'],
    ['adt-in', 'lab.in'],
  ],
])('the scope %j sees %j', (scope, visible) => {
  expect(hostsInScope(scope, HOSTS)).toEqual(visible);
});

test('while no engine answers a scope stays what it was, and never widens', async () => {
  let up = false;
  const compile = rights(BUILT_IN_ROLES, async () => {
    if (!up) throw new Error('no engine');
    return HOSTS;
  });
  const identity = { ...who, roles: ['viewer'], scope: ['tag:lab'] };
  expect((await compile(identity)).visibleHosts).toEqual([]);
  up = true;
  expect((await compile(identity)).visibleHosts).toEqual(['lab.in']);
  up = false;
  expect((await compile(identity)).visibleHosts).toEqual(['lab.in']);
});

test('a token is limited to what its user may; only who may see patients sees them', async () => {
  const compile = rights(BUILT_IN_ROLES, async () => HOSTS);
  const operator = { ...who, roles: ['operator'], scope: ['*'] };
  const limited = await compile({ ...operator, limit: ['host.control', 'user.manage'] });
  expect([...limited.permissions]).toEqual(['host.control']);
  expect((await compile(operator)).unmasked).toBe(false);
  expect((await compile({ ...operator, roles: ['engineer'] })).unmasked).toBe(true);
  expect((await compile({ ...operator, roles: ['gone'] })).permissions.size).toBe(0);
});

test('a role or scope that is none is refused with what may be meant', () => {
  expect(() => checkRoles(['enginer'], BUILT_IN_ROLES)).toThrow(/did you mean engineer\?/);
  expect(() => checkScope(['ward'])).toThrow(/tag:<name>/);
});
