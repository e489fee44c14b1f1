import { expect, test } from 'vitest';
import {
  filledFilter,
  filledName,
  filterProblem,
  firstValueOf,
  plainDn,
} from '../../src/peer/ldap/ldap-text.ts';

test('values are escaped for where they stand', () => {
  expect(filledFilter('(uid={user})', { user: 'a*)(b\\\0' })).toBe('(uid=a\\2a\\29\\28b\\5c\\00)');
  expect(filledFilter('(a={b}{user})', { user: '{b}' })).toBe('(a={b}{b})');
  expect(filledName('uid={user},ou=x', { user: ' a,b="#c" ' })).toBe(
    'uid=\\20a\\2cb\\3d\\22\\23c\\22\\20,ou=x',
  );
  expect(filledName('{user}@hospital.example', { user: 'o’neil' })).toBe('o’neil@hospital.example');
});

test.for([
  '(uid=a)',
  '(objectClass=*)',
  '(&(a=b)(|(c=d*e)(!(f>=1))))',
  '(&)',
  '(member:1.2.840.113556.1.4.1941:=cn=x)',
  '(cn:dn:2.4.6.8.10:=a)',
  '(cn;lang-de~=ä\\2a)',
])('%s is a filter', (filter) => {
  expect(filterProblem(filter)).toBeUndefined();
});

test.for([
  '',
  'uid=a',
  '(uid=a',
  '(uid=a))',
  '(&(a=b)',
  '(!(a=b)(c=d))',
  '(=a)',
  '(uid)',
  '(a=b)(c=d)',
  '('.repeat(100_000),
  '(!'.repeat(100_000),
])('%s is none', (filter) => {
  expect(filterProblem(filter)).toMatch(/compare its brackets/);
});

test('names of groups are compared as a directory does', () => {
  expect(plainDn('CN=A b , OU = x,dc=Y')).toBe('cn=a b,ou=x,dc=y');
  expect(firstValueOf('CN=Wards\\, north,OU=x')).toBe('Wards, north');
  expect(firstValueOf('wb-admins')).toBeUndefined();
});
