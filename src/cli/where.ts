import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import { DATA } from './connect.ts';
import { urlOption } from './secret-url.ts';

/** The options of every command that talks to a running production. */
export function whereOptions(command: Command): Command {
  return command
    .option('--data <folder>', 'the folder that waybill run uses', DATA)
    .addOption(urlOption('nats', 'the NATS server of the production, if it is not an embedded one'))
    .option('--production <name>', 'which production, where the server holds several');
}

/**
 * Who gives an order, for the trace and the audit log: the account that runs this process, by the operating system
 * and not by `$USER`, which anybody sets; with the account that signed in where another one took its place (`sudo`).
 * It is this program that says so: whoever reaches NATS by another one says what they like.
 */
export function orderedBy(): string {
  const uid = process.getuid?.();
  const name = accountName() ?? `uid ${uid ?? 'unknown'}`;
  const login = loginUid();
  return login === undefined || login === uid ? name : `${name} (signed in as uid ${login})`;
}

function accountName(): string | undefined {
  try {
    return userInfo().username;
  } catch (error) {
    // a container's account without a name
    return tolerate(error, isSystemError, 'reading the name of the account');
  }
}

/** Who signed in at the machine; Linux keeps it through `sudo` and `su`. */
function loginUid(): number | undefined {
  try {
    const uid = Number(readFileSync('/proc/self/loginuid', 'utf8'));
    // of a service nobody signed in
    return uid === NOBODY ? undefined : uid;
  } catch (error) {
    // another system
    return tolerate(error, isSystemError, 'reading who signed in');
  }
}

const NOBODY = 2 ** 32 - 1;
