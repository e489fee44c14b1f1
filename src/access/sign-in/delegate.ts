import { pathToFileURL } from 'node:url';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { checkRoles, type Roles } from '../rights/roles.ts';
import { checkScope, EVERYTHING } from '../rights/scope.ts';
import type { Delegate } from './sign-in.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

const TIMEOUT = 10_000;

/**
 * A module of the installation that checks names and passwords elsewhere: `export default async ({ user,
 * password, ip }) => ({ name, roles, scope })`, or undefined for a wrong one. Throws CONFIG_INVALID if it is
 * not such a module.
 */
export async function delegateOf(file: string, roles: Roles): Promise<Delegate> {
  const loaded = await import(pathToFileURL(file).href).catch((error: unknown) => {
    throw new EngineError('CONFIG_INVALID', `delegated: ${file}: ${describeError(error).text}`);
  });
  const { default: ask } = loaded as { default?: unknown };
  if (typeof ask !== 'function') {
    throw new EngineError(
      'CONFIG_INVALID',
      `delegated: ${file} has no function as its default export`,
    );
  }
  return async (attempt) => {
    const answer = await within(async () => (ask as Delegate)(attempt));
    if (answer === undefined || answer === null) return undefined;
    const { name, roles: named = [], scope = EVERYTHING } = answer as Partial<typeof answer>;
    try {
      if (typeof name !== 'string' || name === '') {
        throw new EngineError('CONFIG_INVALID', 'its answer has no name');
      }
      checkRoles(named, roles);
      checkScope(scope);
      return { name, roles: named, scope };
    } catch (error) {
      throw failed(describeError(error).text);
    }
  };
}

async function within<Result>(ask: () => Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(failed('it did not answer within 10 s')), TIMEOUT);
  try {
    return await Promise.race([ask(), late.promise]);
  } catch (error) {
    throw error instanceof SignInRefusal ? error : failed(describeError(error).text);
  } finally {
    clearTimeout(timer);
  }
}

/** The module's own text is withheld by `describeError`: it was given a password. */
function failed(why: string): SignInRefusal {
  return new SignInRefusal(
    { status: 401, text: 'signing in does not work right now; an administrator can see why' },
    `the module under delegated failed: ${why}`,
    'correct the module; local users can still sign in',
  );
}
