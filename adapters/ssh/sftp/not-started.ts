import type { BySudo } from './by-sudo.ts';

/** What was seen instead of SFTP. */
type Problem =
  | { readonly kind: 'said'; readonly text: string }
  | { readonly kind: 'noise' | 'not asked' | 'wrong password' };

interface NotStarted {
  readonly cause: string;
  readonly remedy: string;
}

/** Why sudo did not start the SFTP server, and the remedy, without a full stop. */
export function notStarted(by: BySudo, problem: Problem): NotStarted {
  const { sudo, account } = by;
  if (problem.kind === 'said') return refused(by, problem.text);
  if (problem.kind === 'noise') {
    return {
      cause: `something else than an SFTP server answers`,
      remedy: `Have the start files of the shell of ${account} (.bashrc, .cshrc) write nothing where there is no terminal; a server that allows SFTP alone (ForceCommand internal-sftp) cannot start it by sudo; sudo.command must be an SFTP server`,
    };
  }
  if (problem.kind === 'not asked') {
    return {
      cause: 'sudo asks for no password',
      remedy: `Leave out sudo.credential if sudoers lets ${account} do it without one (NOPASSWD)`,
    };
  }
  return {
    cause: 'sudo refuses the password of sudo.credential',
    remedy: `It must be that of ${account}, who signs in, not that of ${sudo.user}`,
  };
}

const WORDS: readonly (readonly [RegExp, (by: BySudo) => NotStarted])[] = [
  [
    /must have a tty/i,
    ({ account }) => ({
      cause: 'sudo wants a terminal (requiretty), which SFTP cannot have',
      remedy: `Have sudoers say: Defaults:${account} !requiretty`,
    }),
  ],
  [
    /a password is required/i,
    (by) => ({
      cause: 'sudo asks for a password, or does not allow the command',
      remedy: `Have sudoers say: ${rule(by)} (sudo -l, as ${by.account}, shows what it allows); or set sudo.credential to a credential of kind basic with the password of ${by.account}`,
    }),
  ],
  [
    /not allowed to execute|may not run sudo|not in the sudoers/i,
    (by) => ({
      cause: `sudo does not allow ${by.account} to run the command as ${by.sudo.user}`,
      remedy: `Have sudoers say: ${rule(by)}`,
    }),
  ],
  [
    /allows sftp connections only/i,
    ({ account }) => ({
      cause: `the server lets ${account} use SFTP alone, and runs no commands`,
      remedy:
        'Ask its owner to allow commands (no ForceCommand internal-sftp, no such command in the authorized keys), or leave out sudo',
    }),
  ],
  [
    /unknown user/i,
    ({ sudo }) => ({
      cause: `the server has no user ${sudo.user}`,
      remedy: 'Correct sudo.user',
    }),
  ],
  [
    /env: .*sudo|\bsudo: (?:command )?not found/i,
    () => ({ cause: 'there is no sudo on the server', remedy: 'Have it installed there' }),
  ],
  [
    /command not found|no such file/i,
    ({ sudo }) => ({
      cause: `there is no ${sudo.command} on the server`,
      remedy:
        'Correct sudo.command: it is /usr/lib/openssh/sftp-server on Debian and Ubuntu, /usr/libexec/openssh/sftp-server on Red Hat, /usr/lib/ssh/sftp-server on SUSE',
    }),
  ],
];

function refused(by: BySudo, text: string): NotStarted {
  const known = WORDS.find(([pattern]) => pattern.test(text));
  if (known !== undefined) return known[1](by);
  const last = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return {
    cause: last === '' ? 'the command ended without a word' : last.slice(0, 300),
    remedy: `Try it by hand: ssh ${by.account}@… sudo -n -u ${by.sudo.user} ${by.sudo.command}`,
  };
}

const rule = ({ account, sudo, password }: BySudo): string =>
  `${account} ALL=(${sudo.user}) ${password === undefined ? 'NOPASSWD: ' : ''}${sudo.command}`;
