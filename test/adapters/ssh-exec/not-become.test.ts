import { expect, test } from 'vitest';
import { notBecome } from '../../../adapters/ssh/exec/not-become.ts';

const su = { by: 'su', user: 'laboratory', hasPassword: true } as const;
const sudo = { by: 'sudo', user: 'laboratory', hasPassword: true } as const;

test.for([
  [{ ...su, hasPassword: false }, 'Password: ', /su asks .* no credential/, /of laboratory$/],
  [{ ...sudo, hasPassword: false }, '0a1b password: ', /sudo asks/, /the account that signs in$/],
  [
    su,
    'su: Authentication failure',
    /Authentication failure/,
    /that of laboratory, not of the acc/,
  ],
  [sudo, 'sudo: 1 incorrect password attempt', /1 incorrect/, /signs in, not of laboratory/],
  [su, 'su: user laboratory does not exist', /does not exist/, /Correct become\.user/],
  [sudo, 'sudo: unknown user laboratory', /unknown user/, /Correct become\.user/],
  [sudo, 'Sorry, user hub is not allowed to execute …', /not allowed/, /sudoers let .*\/bin\/sh/],
  [sudo, 'hub is not in the sudoers file.', /not in the sudoers/, /sudoers let/],
  [su, '', /become laboratory: $/, /the group of su/],
] as const)('what %o says by “%s”', ([wanted, said, cause, remedy]) => {
  const told = notBecome(wanted, said);
  expect(told.cause).toMatch(cause);
  expect(told.remedy).toMatch(remedy);
});
