import { Command } from 'commander';
import { masterKey, masterKeyFrom } from '../../credential/secret/master-key.ts';
import { secretStoreFile } from '../../credential/secret/secret-resolver.ts';
import {
  listSecrets,
  type SecretStore,
  secretStore,
} from '../../credential/secret/secret-store.ts';
import { EngineError } from '../../error/engine-error.ts';
import { nearest } from '../../error/nearest.ts';
import { DATA } from '../connect.ts';
import { print, say, table } from '../output.ts';
import { readSecret } from '../read-secret.ts';
import { addTraceKey, isTraceKey } from '../trace-keys.ts';

interface SecretFlags {
  readonly data: string;
  readonly json?: boolean;
}

/** `waybill secret set|list|remove|rotate|trace-key`: the encrypted store behind `${secret:NAME}`. */
export function secretCommand(): Command {
  const command = new Command('secret')
    .description('Stores the secrets that productions refer to as ${secret:NAME}, encrypted.')
    .addHelpText(
      'after',
      '\nThe master key comes from WAYBILL_MASTER_KEY, or from the file WAYBILL_MASTER_KEY_FILE names.\nMake one with: openssl rand -base64 32. WAYBILL_SECRETS names another file for the store.',
    );
  const sub = (name: string, description: string): Command =>
    command
      .command(name)
      .description(description)
      .option('--data <folder>', 'the folder that waybill run uses', DATA);

  sub('set', 'Sets a secret to the text that is typed (not echoed) or piped in.')
    .argument('<name>', 'as in ${secret:NAME}')
    .action(async (name: string, flags: SecretFlags) => {
      const store = await openStore(flags);
      await store.set(name, await readSecret(`the value of ${name}`));
      say(
        `${name} is set. A running production uses it for its next sign-in, connection or token.`,
      );
    });
  sub('list', 'Lists the names and when each was last set; never the values.')
    .option('--json', 'for programs')
    .action(list);
  sub('remove', 'Removes a secret.')
    .argument('<name>', 'as in ${secret:NAME}')
    .option(
      '--forever',
      'also removes a key of the trace: what it encrypted can never be read again',
    )
    .action(async (name: string, flags: SecretFlags & { readonly forever?: boolean }) => {
      if (isTraceKey(name) && flags.forever !== true) throw stillNeeded(name);
      const removed = await (await openStore(flags)).remove(name);
      if (!removed) throw await unknownSecret(name, flags);
      say(`${name} is removed.`);
    });
  sub('rotate', 'Encrypts everything again under another master key, typed or piped in.').action(
    async (flags: SecretFlags) => {
      const store = await openStore(flags);
      const next = masterKey(await readSecret('the new master key'));
      const count = await store.rotate(next);
      say(
        `${count} secrets are now under the new master key. Set WAYBILL_MASTER_KEY to it, and WAYBILL_MASTER_KEY_BEFORE to the old one until everybody with an authenticator app has signed in.`,
      );
    },
  );
  sub('trace-key', 'Makes a new key for encrypting the trace, used from the next start.').action(
    async (flags: SecretFlags) => {
      const id = await addTraceKey(await openStore(flags));
      say(
        `The key ${id} has been made. Restart waybill run --encrypt to write with it; what earlier keys encrypted stays readable.`,
      );
    },
  );
  return command;
}

function stillNeeded(name: string): EngineError {
  return new EngineError(
    'CREDENTIAL_REFUSED',
    `${name} is a key of the trace: without it, nothing that it encrypted can ever be read again, and the operator plane does not start on that trace. Remove it with --forever once that trace is gone.`,
  );
}

const fileOf = ({ data }: SecretFlags): string => secretStoreFile(data, process.env);

async function openStore(flags: SecretFlags): Promise<SecretStore> {
  return secretStore(fileOf(flags), await masterKeyFrom(process.env));
}

async function list(flags: SecretFlags): Promise<void> {
  const secrets = await listSecrets(fileOf(flags));
  if (flags.json === true) print(JSON.stringify(secrets));
  else if (secrets.length === 0) say(`There are no secrets in ${fileOf(flags)}.`);
  else print(table(secrets.map(({ name, changed }) => [name, changed.toISOString()])));
}

async function unknownSecret(name: string, flags: SecretFlags): Promise<EngineError> {
  const names = (await listSecrets(fileOf(flags))).map((one) => one.name);
  const near = nearest(name, names);
  const remedy = near === undefined ? 'See waybill secret list.' : `Did you mean ${near}?`;
  return new EngineError('CREDENTIAL_MISSING', `There is no secret ${name}. ${remedy}`);
}
