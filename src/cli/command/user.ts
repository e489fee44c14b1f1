import { Command } from 'commander';
import { auditLog } from '../../access/audit/audit-log.ts';
import type { MetaDatabase } from '../../access/meta/meta-database.ts';
import { metaDatabase } from '../../access/meta/open-meta.ts';
import { checkRoles } from '../../access/rights/roles.ts';
import { checkScope } from '../../access/rights/scope.ts';
import { apiTokens } from '../../access/sign-in/api-tokens.ts';
import { readConsoleSettings } from '../../access/sign-in/console-settings.ts';
import { tryDirectory } from '../../access/sign-in/directory/try-directory.ts';
import { factorStore, ownerOf } from '../../access/sign-in/factor/factor-store.ts';
import { sessions } from '../../access/sign-in/sessions.ts';
import { type Users, users } from '../../access/sign-in/users.ts';
import type { TestStep } from '../../adapter/test-step.ts';
import { checkNewPassword, hashPassword, oneTimePassword } from '../../credential/password.ts';
import { EngineError } from '../../error/engine-error.ts';
import { milliseconds } from '../../time/duration.ts';
import { orderedBy } from '../connect.ts';
import { type MetaPlaceFlags, metaPlace, metaPlaceOptions } from '../meta-place.ts';
import { print, say, table } from '../output.ts';
import { readLine } from '../read-secret.ts';
import { describeStep } from '../step-text.ts';

interface UserFlags extends MetaPlaceFlags {
  readonly settings?: string;
  readonly role: readonly string[];
  readonly scope: readonly string[];
  readonly ask?: boolean;
  readonly for: string;
  readonly json?: boolean;
  readonly directory?: string;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

/**
 * `waybill user add|list|password|remove|roles|reset-factor|break-glass|try`: who may use the console. Works
 * whether it runs or not. `hash` is for the users of a service.
 */
export function userCommand(): Command {
  const command = new Command('user').description('Manages the local users of the console.');
  const sub = (name: string, description: string): Command =>
    metaPlaceOptions(command.command(name).description(description));

  rights(sub('add', 'Adds a user and prints a password for the first sign-in.'))
    .argument('<name>')
    .option('--ask', 'read the password instead of printing one; it then need not be changed')
    .action(add);
  rights(sub('roles', 'Sets roles and scope; sessions and tokens of the user end.'))
    .argument('<name>')
    .action(setRoles);
  sub('list', 'Lists users; never a password.').option('--json', 'for programs').action(list);
  sub('password', 'Prints a new password for one sign-in, or reads one.')
    .argument('<name>')
    .option('--ask', 'read the password instead of printing one; it then need not be changed')
    .action(setPassword);
  sub('remove', 'Removes a user; sessions and tokens end.').argument('<name>').action(remove);
  sub(
    'reset-factor',
    'Removes somebody’s second factors and recovery codes; sessions and tokens end.',
  )
    .argument('<name>')
    .option('--directory <name>', 'of a person of this directory (ldap), not of a local user')
    .action(resetFactor);
  sub('break-glass', 'Makes a temporary administrator, who can sign in whatever console.yaml says.')
    .option('--for <time>', 'how long', '1h')
    .action(breakGlass);
  command
    .command('hash')
    .description(
      'Prints the hash of a password that it reads, for the table of users of a service (signIn.users of http-in).',
    )
    .action(printHash);
  command.addCommand(userTryCommand());
  return command;
}

async function add(name: string, flags: UserFlags): Promise<void> {
  await checkGrant(flags);
  await changed(flags, ['user.add', name], async (known) => {
    const { password, mustChange } = await passwordFor(name, flags);
    const hash = await hashPassword(password);
    await known.add({ name, roles: flags.role, scope: scopeOf(flags), password: hash, mustChange });
    told(name, password, mustChange);
  });
}

async function setRoles(name: string, flags: UserFlags): Promise<void> {
  await checkGrant(flags);
  await changed(flags, ['user.roles', name], async (known) => {
    await known.setRoles(name, flags.role, scopeOf(flags));
    say(`${name} is ${flags.role.join(', ')} on ${scopeOf(flags).join(', ')}.`);
  });
}

async function setPassword(name: string, flags: UserFlags): Promise<void> {
  await changed(flags, ['user.password', name], async (known) => {
    const { password, mustChange } = await passwordFor(name, flags);
    await known.setPassword(name, { password: await hashPassword(password), mustChange });
    told(name, password, mustChange);
  });
}

async function remove(name: string, flags: UserFlags): Promise<void> {
  await changed(flags, ['user.remove', name], async (known) => {
    await known.remove(name);
    say(`${name} is removed.`);
  });
}

async function resetFactor(name: string, flags: UserFlags): Promise<void> {
  const via = flags.directory === undefined ? 'local' : `ldap ${flags.directory}`;
  await changed(flags, ['user.second-factor-reset', name], async (_known, database) => {
    if (!(await factorStore(database).forget(ownerOf({ via, name }))))
      throw new EngineError('NOT_FOUND', `${name} (${via}) has no second factor`);
    await sessions(database).endOthers(name, via, '');
    if (via === 'local') await apiTokens(database).endAll(name, 'all');
    say(
      `${name} signs in with the password alone, and sets up another second factor if one is required.`,
    );
  });
}

async function breakGlass(flags: UserFlags): Promise<void> {
  const time = milliseconds(flags.for);
  if (time === undefined || !(time <= 86_400_000)) {
    throw new EngineError(
      'CONFIG_INVALID',
      `--for ${flags.for} is not a time up to 24h, such as 1h`,
    );
  }
  const name = `break-glass-${Date.now().toString(36)}`;
  await changed(flags, ['user.break-glass', name], async (known) => {
    const password = oneTimePassword();
    await known.add({
      name,
      roles: ['administrator'],
      scope: ['*'],
      password: await hashPassword(password),
      mustChange: false,
      expires: Date.now() + time,
      breakGlass: true,
    });
    print(
      table([
        ['user', name],
        ['password', password],
      ]),
    );
    say(`Valid for ${flags.for}. All its actions are in the audit log.`);
  });
}

async function list(flags: UserFlags): Promise<void> {
  await using database = await metaDatabase(metaPlace(flags));
  const all = await users(database).list();
  if (flags.json === true) print(JSON.stringify(all));
  else if (all.length === 0) say('There are no users: the console is open only to this machine.');
  else {
    print(
      table(
        all.map(({ name, roles, scope, mustChange, lastSignIn }) => [
          name,
          roles.join(','),
          scope.join(','),
          mustChange ? 'must change' : '',
          lastSignIn === undefined ? 'never' : new Date(lastSignIn).toISOString(),
        ]),
      ),
    );
  }
}

async function checkGrant({ role, scope, settings, data }: UserFlags): Promise<void> {
  const { roles } = await readConsoleSettings(settings ?? `${data}/console.yaml`, process.env);
  if (role.length === 0) {
    throw new EngineError(
      'CONFIG_INVALID',
      `say what the user may do: --role ${[...roles.keys()].join(', ')}`,
    );
  }
  checkRoles(role, roles);
  checkScope(scope);
}

const scopeOf = ({ scope }: UserFlags): readonly string[] => (scope.length === 0 ? ['*'] : scope);

async function passwordFor(
  name: string,
  { ask }: UserFlags,
): Promise<{ readonly password: string; readonly mustChange: boolean }> {
  if (ask !== true) return { password: oneTimePassword(), mustChange: true };
  const password = await readLine(`the password of ${name}`);
  checkNewPassword(password, name);
  return { password, mustChange: false };
}

async function printHash(): Promise<void> {
  print(await hashPassword(await readLine('the password')));
}

function told(name: string, password: string, printed: boolean): void {
  if (printed) {
    print(password);
    say(`This is the password of ${name} for the first sign-in, when it must be changed.`);
  } else say(`The password of ${name} is set.`);
}

/** Changes users and records who did it at this machine. */
async function changed(
  flags: UserFlags,
  [action, name]: readonly [action: string, name: string],
  change: (known: Users, database: MetaDatabase) => Promise<void>,
): Promise<void> {
  const { role, scope } = flags;
  await using database = await metaDatabase(metaPlace(flags));
  await using audit = await auditLog(metaPlace(flags));
  await change(users(database), database);
  await audit.record({
    actor: { name: orderedBy(), via: 'command line' },
    ip: 'this machine',
    action,
    object: `user ${name}`,
    outcome: 'done',
    detail: { role, scope },
  });
}

const rights = (of: Command): Command =>
  of
    .option(
      '--role <role>',
      'viewer, operator, engineer, auditor, administrator or one from console.yaml; may be repeated',
      collect,
      [],
    )
    .option(
      '--scope <scope>',
      'host:<pattern> or tag:<name>; may be repeated; everything if left out',
      collect,
      [],
    )
    .option('--settings <file>', 'console.yaml, for the roles it defines');

interface UserTryFlags {
  readonly settings: string;
  readonly directory?: string;
  readonly json?: boolean;
}

/** `waybill user try`: why somebody of a directory cannot sign in, step by step. */
function userTryCommand(): Command {
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
  const password = await readLine(`the password of ${user}`);
  const steps: TestStep[] = [];
  const passed = await tryDirectory(settings, { user, password }, (step) => {
    steps.push(step);
    if (flags.json !== true) print(describeStep(step));
  });
  if (flags.json === true) print(JSON.stringify(steps));
  if (!passed) process.exitCode = 1;
}
