import { Command } from 'commander';
import { readConsoleSettings } from '../../access/sign-in/console-settings.ts';
import { tryDirectory } from '../../access/sign-in/directory/try-directory.ts';
import type { TestStep } from '../../adapter/test-step.ts';
import { EngineError } from '../../error/engine-error.ts';
import { print } from '../output.ts';
import { readSecret } from '../read-secret.ts';
import { describeStep } from '../step-text.ts';

interface UserTryFlags {
  readonly settings: string;
  readonly directory?: string;
  readonly json?: boolean;
}

/** `waybill user try`: why somebody of a directory cannot sign in, step by step. */
export function userTryCommand(): Command {
  return new Command('try')
    .description(
      'Signs somebody in with a directory of console.yaml (ldap), step by step, and says in plain words what failed. No session begins.',
    )
    .argument('<name>', 'as the person types it')
    .option('--settings <file>', 'console.yaml', 'console.yaml')
    .option('--directory <name>', 'which directory, if there are several; the first if left out')
    .option('--json', 'as JSON')
    .action(tryUser);
}

async function tryUser(user: string, flags: UserTryFlags): Promise<void> {
  const { ldap } = await readConsoleSettings(flags.settings, process.env);
  const wanted = flags.directory ?? ldap[0]?.name;
  const settings = ldap.find(({ name }) => name === wanted);
  if (settings === undefined) {
    throw new EngineError(
      'NOT_FOUND',
      ldap.length === 0
        ? `${flags.settings} has no ldap. Name the right file with --settings.`
        : `There is no directory ${wanted}. There are: ${ldap.map(({ name }) => name).join(', ')}.`,
    );
  }
  const password = await readSecret(`the password of ${user}`);
  const steps: TestStep[] = [];
  const passed = await tryDirectory(settings, { user, password }, (step) => {
    steps.push(step);
    if (flags.json !== true) print(describeStep(step));
  });
  if (flags.json === true) print(JSON.stringify(steps));
  if (!passed) process.exitCode = 1;
}
