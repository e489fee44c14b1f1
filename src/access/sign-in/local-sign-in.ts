import { isPassword, nobodysHash } from '../../credential/password.ts';
import { isEngineError } from '../../error/engine-error.ts';
import { ApiError } from '../../web/api-error.ts';
import type { Identity } from '../rights/principal-for.ts';
import type { DelegatedAttempt } from './delegated-attempt.ts';
import { type Directory, DirectoryFailure } from './directory/directory.ts';
import type { Enforcement } from './enforcement.ts';
import { type FailureDelay, guarded } from './failure-delay.ts';
import type { Delegate } from './sign-in.ts';
import { SignInRefusal } from './sign-in-refusal.ts';
import type { User, Users } from './users.ts';

export interface PasswordChecks {
  readonly users: Users;
  readonly delay: FailureDelay;
  readonly enforcement: Enforcement;
  /** Asked for names that do not belong to a local user, in this order. */
  readonly directories: readonly Directory[];
  /** Called for names that nobody else knows. */
  readonly delegate: Delegate | undefined;
}

/** Checks names and passwords. */
export interface LocalSignIn {
  /** Rejects with a SignInRefusal, the same for an unknown user and a wrong password, after the same time. */
  check(attempt: DelegatedAttempt): Promise<Identity>;
}

/** The identity of a local user who signed in by `via`. */
export function localIdentity(
  { name, roles, scope, mustChange, breakGlass }: User,
  via: string,
): Identity {
  return { name, roles, scope, via, mustChangePassword: mustChange, breakGlass };
}

/** Passwords cost memory to check, so only some are checked at once. */
function tooMany(error: unknown): never {
  if (!isEngineError(error)) throw error;
  throw new ApiError(429, 'TOO_MANY', error.message);
}

// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function localSignIn({
  users,
  delay,
  enforcement,
  directories,
  delegate,
}: PasswordChecks): LocalSignIn {
  const nobodys = nobodysHash();
  const checkLocal = async ({ user: name, password }: DelegatedAttempt): Promise<Identity> => {
    const user = await users.find(name);
    // takes the same time for a name that nobody has
    const right = await isPassword(password.slice(0, 1_000), user?.password ?? nobodys).catch(
      tooMany,
    );
    const { allowed, why } = await enforcement.passwords();
    // while passwords are off, nobody learns whether one was right
    const refused = (cause: string): SignInRefusal =>
      allowed ? SignInRefusal.wrong(cause) : passwordsAreOff(`${cause}, and ${why}`);
    if (user === undefined) throw refused('there is no such user');
    if (!right) throw refused('the password is wrong');
    if (user.expires !== undefined && user.expires < Date.now()) {
      throw refused('this user was temporary and has expired');
    }
    if (!allowed && !user.breakGlass) throw passwordsAreOff(`the password was right, but ${why}`);
    await users.signedIn(user.name);
    return {
      ...localIdentity(user, 'local'),
      stillHolds: async () => (await users.find(user.name))?.password === user.password,
    };
  };
  const checked = async (attempt: DelegatedAttempt): Promise<Identity> => {
    if ((await users.find(attempt.user)) !== undefined) return checkLocal(attempt);
    const { identity, why, failure } = await inDirectories(directories, attempt);
    if (identity !== undefined) return identity;
    const delegated = await delegate?.(attempt);
    if (delegated !== undefined) return { ...delegated, via: 'delegated' };
    if (failure !== undefined) throw failure;
    if (why.length === 0) return checkLocal(attempt);
    // takes as long as a local user's, and is refused
    await checkLocal(attempt).catch(() => undefined);
    throw SignInRefusal.wrong(`there is no such local user; ${why.join('; ')}`);
  };
  return {
    async check(attempt) {
      const { user, ip } = attempt;
      // the emergency user must not wait because of others' guesses; that password is random
      const isBreakGlass = (await users.find(user))?.breakGlass === true;
      if (isBreakGlass) return checked(attempt);
      const keys = {
        own: { kind: 'user', name: `${user} ${ip}` },
        shared: [
          { kind: 'address', name: ip },
          { kind: 'name', name: user },
        ],
      } as const;
      return guarded(delay, keys, () => checked(attempt));
    },
  };
}

interface Asked {
  readonly identity: Identity | undefined;
  /** What each directory said that does not know the person. */
  readonly why: readonly string[];
  /** The first that could not be asked. */
  readonly failure: DirectoryFailure | undefined;
}

/** The first directory that knows the person decides. */
async function inDirectories(
  directories: readonly Directory[],
  attempt: DelegatedAttempt,
): Promise<Asked> {
  const why: string[] = [];
  let failure: DirectoryFailure | undefined;
  for (const one of directories) {
    try {
      const found = await one.check(attempt);
      if (typeof found !== 'string') return { identity: found, why, failure };
      why.push(`${one.name}: ${found}`);
    } catch (error) {
      // another directory may know them
      if (!(error instanceof DirectoryFailure)) throw error;
      failure ??= error;
    }
  }
  return { identity: undefined, why, failure };
}

function passwordsAreOff(why: string): SignInRefusal {
  return new SignInRefusal(
    { status: 401, text: 'passwords are not accepted here; use the external sign-in' },
    why,
    'in an emergency: waybill user break-glass, at the machine itself',
  );
}
