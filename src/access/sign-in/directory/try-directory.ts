import { runStep } from '../../../adapter/run-step.ts';
import { type Step, StepFailure, type TestStep } from '../../../adapter/test-step.ts';
import { bindAccount, entryOf, nameFor } from '../../../peer/ldap/directory-person.ts';
import { groupsOf } from '../../../peer/ldap/groups.ts';
import { connectLdap, type LdapConnection } from '../../../peer/ldap/ldap-connection.ts';
import { tryReachingLdap } from '../../../peer/ldap/ldap-steps.ts';
import type { DelegatedAttempt } from '../delegated-attempt.ts';
import { SignInRefusal } from '../sign-in-refusal.ts';
import { identityOf, NOTHING_LENT, told } from './directory.ts';
import type { DirectorySettings } from './directory-settings.ts';

const PATIENCE = 60_000;

/**
 * Signs a person in as the console would, in ordered steps, up to the first that fails: `name`, `TCP`, `TLS` (of each server),
 * `account` or `password`, `person`, `groups`, `password`, `roles`. No session begins.
 */
export async function tryDirectory(
  settings: DirectorySettings,
  attempt: Pick<DelegatedAttempt, 'user' | 'password'>,
  onStep: (step: TestStep) => void,
): Promise<boolean> {
  const step: Step = (name, run) =>
    runStep(
      name,
      async (detail) => {
        try {
          return await run(detail);
        } catch (error) {
          throw failureOf(error);
        }
      },
      onStep,
    );
  try {
    await signInBySteps(settings, attempt, step);
    return true;
  } catch {
    // the step that failed was told
    return false;
  }
}

async function signInBySteps(
  settings: DirectorySettings,
  { user, password }: Pick<DelegatedAttempt, 'user' | 'password'>,
  step: Step,
): Promise<void> {
  const { bindAs, account } = settings;
  await using connection = await reached(settings, step);
  if (bindAs === undefined) {
    await step('account', async (detail) => {
      await bindAccount(connection, settings);
      detail(account?.name ?? '');
    });
  } else await step('password', () => connection.bind(nameFor(bindAs, user), password));
  const entry = await step('person', async (detail) => {
    const found = await entryOf(connection, settings, user);
    if (found === undefined) {
      throw new StepFailure(
        'no entry below base fits the filter',
        'Compare base and filter with the person’s entry; the account may lack the right to read it',
      );
    }
    detail(found.dn);
    return found;
  });
  const groups = await step('groups', async (detail) => {
    const found = await groupsOf(connection, settings, { entry, user });
    detail(found.join('; ') || 'none');
    return found;
  });
  await step('password', () => connection.bind(entry.dn, password));
  await step('roles', (detail) => {
    const { name, roles, scope } = identityOf(settings, { entry, user }, groups);
    detail(`${name}: ${roles.join(', ')} on ${scope.join(', ')}`);
  });
}

/** Each server, and a connection to the first that answers. */
async function reached({ servers }: DirectorySettings, step: Step): Promise<LdapConnection> {
  let first: (typeof servers)[number] | undefined;
  let failure: unknown;
  for (const server of servers) {
    try {
      await tryReachingLdap(NOTHING_LENT, step, server);
      first ??= server;
    } catch (error) {
      // a step told it; another server may answer
      failure = error;
    }
  }
  if (first === undefined) throw failure;
  return await connectLdap(NOTHING_LENT, first, AbortSignal.timeout(PATIENCE));
}

function failureOf(error: unknown): StepFailure {
  if (error instanceof StepFailure) return error;
  const { why, remedy } = error instanceof SignInRefusal ? error : told(error);
  return new StepFailure(why, remedy, { cause: error });
}
