import { expect, test } from 'vitest';
import { callerText } from '../../src/message/caller.ts';
import { envelope, environment } from '../support/subject-message.ts';

const claims = {
  sub: 'anna',
  ward: 'W1',
  level: 3,
  active: true,
  realm_access: { roles: ['doctor', 'nurse'] },
  'https://hospital.example/site': 'north',
  exp: 1,
  jti: 'x',
};
const document = (): never => {
  throw new Error('the body is not read');
};

function valueOf(source: string, caller: string | undefined): unknown {
  const compiled = environment.compile(source, { result: 'any' });
  if (!compiled.ok) throw new Error(compiled.problems.map(({ text }) => text).join(' '));
  expect(compiled.expression.readsBody).toBe(false);
  return compiled.expression.evaluate({ message: envelope({ caller }), document });
}

test.for([
  ['caller', 'anna'],
  ['claim("ward")', 'W1'],
  ['claim("level")', '3'],
  ['claim("active")', 'true'],
  ['claim("realm_access.roles")', 'doctor'],
  ['"nurse" in claims("realm_access.roles")', true],
  ['claim("https://hospital.example/site")', 'north'],
  ['claim("exp")', ''],
  ['claim("realm_access")', ''],
  ['claim("__proto__")', ''],
  ['claim("ward.length")', ''],
] as const)('%s', ([source, value]) => {
  expect(valueOf(source, callerText({ name: 'anna', claims }))).toEqual(value);
});

test('a message that nobody had to prove has an empty caller and no claims', () => {
  expect(valueOf('caller', undefined)).toBe('');
  expect(valueOf('claim("ward")', undefined)).toBe('');
  expect(valueOf('claims("ward")', undefined)).toEqual([]);
});

test('only the claims that are named go with a message', () => {
  const text = callerText({ name: 'anna', claims }, ['ward', 'realm_access.roles']);
  expect(valueOf('claim("ward")', text)).toBe('W1');
  expect(valueOf('claims("realm_access.roles")', text)).toEqual(['doctor', 'nurse']);
  expect(valueOf('claim("sub")', text)).toBe('');
});
