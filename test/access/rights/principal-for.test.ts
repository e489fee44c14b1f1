import { expect, test } from 'vitest';
import { PERMISSIONS } from '../../../src/access/rights/principal.ts';
import { rights } from '../../../src/access/rights/principal-for.ts';
import { BUILT_IN_ROLES, checkRoles, permissionsOf } from '../../../src/access/rights/roles.ts';
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

test('a role for one production counts there only, and never over users and tokens', async () => {
  const compile = rights(BUILT_IN_ROLES, async () => HOSTS, undefined, 'ward');
  const here = (roles: string[]) => compile({ ...who, roles, scope: ['*'] });
  expect((await here(['engineer@lab'])).permissions.size).toBe(0);
  expect((await here(['engineer@Ward'])).permissions.size).toBe(0);
  expect((await here(['engineer@ward'])).permissions).toEqual(
    (await here(['engineer'])).permissions,
  );
  expect([...(await here(['administrator@ward'])).permissions]).toEqual(
    PERMISSIONS.filter((one) => one !== 'user.manage' && one !== 'token.manage'),
  );
  const both = await here(['viewer', 'operator@lab']);
  expect(both.permissions.has('host.control')).toBe(false);
  const sees = (production?: string) => both.grants?.permissionsIn(production);
  expect(sees('lab')?.has('host.control')).toBe(true);
  expect(sees('other')).toEqual(sees());
  expect(sees()?.has('message.search')).toBe(true);
});

test('a token is no mightier in another production than it is here', async () => {
  const compile = rights(BUILT_IN_ROLES, async () => HOSTS, undefined, 'ward');
  const limit = ['message.search'] as const;
  const token = await compile({ ...who, roles: ['engineer@lab'], scope: ['*'], limit: [...limit] });
  expect([...(token.grants?.permissionsIn('lab') ?? [])]).toEqual(limit);
  expect(token.permissions.size).toBe(0);
});

test('what another console has decided counts, and no role beside it', async () => {
  const compile = rights(BUILT_IN_ROLES, async () => HOSTS, undefined, 'ward');
  const granted = ['message.search'] as const;
  const they = { ...who, roles: ['administrator'], scope: ['tag:lab'], granted: [...granted] };
  const principal = await compile(they);
  expect([...principal.permissions]).toEqual(granted);
  expect(principal.visibleHosts).toEqual(['lab.in']);
  expect(principal.grants).toBeUndefined();
});

test('a role or scope that is none is refused with what may be meant', () => {
  expect(() => checkRoles(['enginer'], BUILT_IN_ROLES)).toThrow(/did you mean engineer\?/);
  expect(() => checkRoles(['enginer@lab'], BUILT_IN_ROLES)).toThrow(/did you mean engineer\?/);
  expect(() => checkRoles(['engineer@'], BUILT_IN_ROLES)).toThrow(/no role engineer@/);
  expect(() => checkRoles(['engineer@la.b'], BUILT_IN_ROLES)).toThrow(/no role engineer@la\.b/);
  expect(() => checkRoles(['engineer@lab'], BUILT_IN_ROLES)).not.toThrow();
  const own = new Map([...BUILT_IN_ROLES, ['desk@night', ['dashboard.view'] as const]]);
  expect([...permissionsOf(['desk@night'], own, 'ward')]).toEqual(['dashboard.view']);
  expect(() => checkScope(['ward'])).toThrow(/tag:<name>/);
});
