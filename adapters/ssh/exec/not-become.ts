import type { Become } from './become.ts';

interface NotBecome {
  readonly cause: string;
  readonly remedy: string;
}

type Wanted = Pick<Become, 'by' | 'user'> & {
  /** Whether there is a password to give. */
  readonly hasPassword: boolean;
};

/** Why sudo or su did not begin the command, and the remedy, from what it wrote last. Servers write in their language. */
export function notBecome({ by, user, hasPassword }: Wanted, said: string): NotBecome {
  const last = said.trimEnd().split('\n').at(-1) ?? '';
  const whose = by === 'su' ? user : 'the account that signs in';
  const notThat = by === 'su' ? 'the account that signs in' : user;
  if (!hasPassword && /: ?$/.test(last)) {
    return {
      cause: `${by} asks for a password, and become has no credential`,
      remedy: `Set become.credential to a credential of kind basic with the password of ${whose}`,
    };
  }
  const cause = `${by} does not let us become ${user}: ${last}`;
  if (/does not exist|unknown user/i.test(last)) {
    return { cause, remedy: 'Correct become.user: the server has no such account' };
  }
  if (by === 'sudo' && /not allowed|not in the sudoers|may not run/i.test(last)) {
    return {
      cause,
      remedy: `Have sudoers let the account run /bin/sh as ${user}, which runs the command`,
    };
  }
  return {
    cause,
    remedy: `Check the password of the credential under become: ${by} wants that of ${whose}, not of ${notThat}; and whether the account may (${by === 'su' ? 'the group of su' : 'sudoers for /bin/sh'})`,
  };
}
