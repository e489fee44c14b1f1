import { NotConnectedError, TemporaryError } from '../../error/adapter-error.ts';
import { EngineError } from '../../error/engine-error.ts';

/** What a refusal of a directory means for whoever asked. */
export type LdapProblem =
  /** Name or password is wrong, or the account may not be used. */
  | 'sign-in'
  /** There is no such entry: usually a wrong base. */
  | 'base'
  /** The answer has more entries than the server gives. */
  | 'size'
  /** Another server may answer, or this one later. */
  | 'busy'
  /** Anything else: the question is wrong, or not allowed. */
  | 'refused';

/** The state of an account, as Active Directory tells it beside result 49. */
export type AccountState =
  | 'unknown'
  | 'password'
  | 'hours'
  | 'workstation'
  | 'password-expired'
  | 'disabled'
  | 'expired'
  | 'must-change'
  | 'locked'
  | 'not-granted';

/** A directory's refusal: its result code, and what is to be done. The server's own text is not kept. */
export class LdapFailure extends EngineError {
  readonly problem: LdapProblem;
  readonly result: number;
  /** Undefined where the server does not say, as all but Active Directory. */
  readonly account: AccountState | undefined;
  /** What is wrong, without the remedy. */
  readonly what: string;
  readonly remedy: string;

  constructor(told: {
    readonly problem: LdapProblem;
    readonly result: number;
    readonly what: string;
    readonly remedy: string;
    readonly account?: AccountState | undefined;
  }) {
    const { problem, result, what, remedy, account } = told;
    super(problem === 'busy' ? 'ADAPTER_TEMPORARY' : 'ADAPTER_DISABLED', `${what}. ${remedy}.`, {
      retryable: problem === 'busy',
    });
    this.problem = problem;
    this.result = result;
    this.account = account;
    this.what = what;
    this.remedy = remedy;
  }
}

interface Words {
  readonly state: AccountState;
  readonly what: string;
  readonly remedy: string;
}

/** Windows system errors in the text of Active Directory's result 49: `AcceptSecurityContext error, data 52e`. */
const ACCOUNTS: Readonly<Record<string, Words>> = {
  '525': {
    state: 'unknown',
    what: 'the directory has no such user (data 525)',
    remedy: 'Check the name: a DN, user@domain or DOMAIN\\user',
  },
  '52e': {
    state: 'password',
    what: 'the password is wrong (data 52e)',
    remedy: 'Correct the password; mind that failed tries lock accounts',
  },
  '52f': {
    state: 'not-granted',
    what: 'a restriction forbids this account to sign in (data 52f)',
    remedy: 'Look at the restrictions of the account, such as an empty password',
  },
  '530': {
    state: 'hours',
    what: 'the account may not sign in at this time (data 530)',
    remedy: 'Look at the logon hours of the account',
  },
  '531': {
    state: 'workstation',
    what: 'the account may not sign in from this machine (data 531)',
    remedy: 'Add the domain controllers to the workstations of the account (userWorkstations)',
  },
  '532': {
    state: 'password-expired',
    what: 'the password has expired (data 532)',
    remedy: 'Set a new password in the directory',
  },
  '533': {
    state: 'disabled',
    what: 'the account is disabled (data 533)',
    remedy: 'Enable the account in the directory',
  },
  '534': {
    state: 'not-granted',
    what: 'the account lacks the right to sign in over the network (data 534)',
    remedy: 'Give it “Access this computer from the network” at the domain controllers',
  },
  '568': {
    state: 'not-granted',
    what: 'the account is in too many groups (data 568)',
    remedy: 'Take it out of groups; Windows takes about a thousand',
  },
  '701': {
    state: 'expired',
    what: 'the account has expired (data 701)',
    remedy: 'Extend the account in the directory',
  },
  '773': {
    state: 'must-change',
    what: 'the password must be changed first (data 773)',
    remedy: 'Change the password at a Windows sign-in, or clear “must change at next logon”',
  },
  '775': {
    state: 'locked',
    what: 'the account is locked after failed tries (data 775)',
    remedy:
      'Unlock the account, or wait until the directory does; then correct what sends the old password',
  },
};

const CONTROL = 'The server requires encryption or signing: use ldaps or StartTLS';

/** Result codes of RFC 4511, appendix A, that say more than their number. */
const RESULTS: Readonly<Record<number, readonly [LdapProblem, what: string, remedy: string]>> = {
  1: ['refused', 'the directory wants a sign-in first', 'Give an account and its password'],
  2: ['refused', 'the directory does not understand the request', 'It may not be LDAP 3'],
  3: [
    'refused',
    'the search took the server too long',
    'Narrow base or filter, or have an attribute indexed',
  ],
  4: [
    'size',
    'the server stops at fewer entries than there are',
    'Narrow base or filter, set pageSize below the server’s limit, or have the limit of the account raised',
  ],
  7: ['refused', 'the directory does not take a name and a password', 'Have simple binds allowed'],
  8: ['refused', 'the directory refuses a password without encryption', CONTROL],
  10: [
    'refused',
    'the directory refers to another server',
    'Ask that server, or take a base that this one holds; at Active Directory the global catalogue (port 3269) knows the whole forest',
  ],
  11: [
    'size',
    'the search is beyond a limit of the server',
    'Narrow base or filter, or have an attribute indexed',
  ],
  12: ['refused', 'the directory cannot answer in pages', 'Set pageSize: 0'],
  13: ['refused', 'the directory refuses what is not encrypted', CONTROL],
  19: [
    'sign-in',
    'the directory refuses further tries of this account',
    'Unlock the account, or wait',
  ],
  32: [
    'base',
    'the directory has no entry with the name of base',
    'Compare base with the directory, letter by letter',
  ],
  34: [
    'base',
    'a name is not written as the directory writes names',
    'Write base and account as DNs such as ou=people,dc=example,dc=org',
  ],
  48: [
    'sign-in',
    'the account cannot sign in with a password',
    'Give it a password, or take another account',
  ],
  49: ['sign-in', 'name or password is wrong', 'Compare account and password with the directory'],
  50: [
    'refused',
    'the account may not do this',
    'Give it the right to read what base and filter name',
  ],
  51: ['busy', 'the directory is busy', 'It is tried again'],
  52: ['busy', 'the directory is not available', 'It is tried again'],
  53: [
    'refused',
    'the directory is unwilling; the account may be disabled, or a sign-in or encryption is missing',
    'Look at the log of the directory',
  ],
};

/** Turns what `ldapts` throws into our errors. `place` is the server, for people. */
export function ldapFailure(error: unknown, place: string): Error {
  if (error instanceof EngineError) return error;
  const { code, message = '' } = error as { code?: unknown; message?: string };
  if (typeof code === 'number') return ofResult(code, message);
  if (/timed out|timeout/i.test(message)) {
    return new TemporaryError(
      `${place} did not answer in time. Look at its load, or raise timeout.`,
    );
  }
  return new NotConnectedError(
    `${place} closed the connection, or answered with something that is not LDAP. Look at its log.`,
    { cause: error },
  );
}

function ofResult(result: number, text: string): LdapFailure {
  const sub = /\bdata ([0-9a-f]{3,4})\b/i.exec(text)?.[1]?.toLowerCase() ?? '';
  const account = result === 49 ? ACCOUNTS[sub] : undefined;
  if (account !== undefined) {
    const { state, what, remedy } = account;
    return new LdapFailure({ problem: 'sign-in', result, what, remedy, account: state });
  }
  const [problem, what, remedy] = RESULTS[result] ?? [
    'refused' as const,
    'the directory refused',
    'Look at its log',
  ];
  return new LdapFailure({ problem, result, what: `${what} (result ${result})`, remedy });
}
