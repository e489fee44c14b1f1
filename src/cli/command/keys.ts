import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { basename } from 'node:path';
import { Command } from 'commander';
import { certificateRequest } from '../../credential/certificate-request.ts';
import { masterKey, masterKeyFrom } from '../../credential/secret/master-key.ts';
import { secretStoreFile } from '../../credential/secret/secret-resolver.ts';
import {
  listSecrets,
  type SecretStore,
  secretStore,
} from '../../credential/secret/secret-store.ts';
import { describeError, EngineError } from '../../error/engine-error.ts';
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
    .description('Keeps the secrets that productions name as ${secret:NAME}, encrypted.')
    .addHelpText(
      'after',
      '\nThe master key comes from WAYBILL_MASTER_KEY, or from the file WAYBILL_MASTER_KEY_FILE names.\nMake one with: openssl rand -base64 32. WAYBILL_SECRETS names another file for the store.',
    );
  const sub = (name: string, description: string): Command =>
    command
      .command(name)
      .description(description)
      .option('--data <folder>', 'the folder that waybill run uses', DATA);

  sub('set', 'Sets a secret to what is typed without an echo, or piped in.')
    .argument('<name>', 'as in ${secret:NAME}')
    .action(async (name: string, flags: SecretFlags) => {
      const store = await openStore(flags);
      await store.set(name, await readSecret(`the value of ${name}`));
      say(
        `${name} is set. A production that runs uses it with its next sign-in, connection or token.`,
      );
    });
  sub('list', 'Lists the names and when each was last set; never a value.')
    .option('--json', 'for programs')
    .action(list);
  sub('remove', 'Removes a secret.')
    .argument('<name>', 'as in ${secret:NAME}')
    .option('--forever', 'also a key of the trace: what it encrypted is never read again')
    .action(async (name: string, flags: SecretFlags & { readonly forever?: boolean }) => {
      if (isTraceKey(name) && flags.forever !== true) throw stillNeeded(name);
      const removed = await (await openStore(flags)).remove(name);
      if (!removed) throw await unknownSecret(name, flags);
      say(`${name} is removed.`);
    });
  sub('rotate', 'Encrypts everything anew under another master key, typed or piped in.').action(
    async (flags: SecretFlags) => {
      const store = await openStore(flags);
      const next = masterKey(await readSecret('the new master key'));
      const count = await store.rotate(next);
      say(`${count} secrets are under the new master key. Set WAYBILL_MASTER_KEY to it now.`);
    },
  );
  sub('trace-key', 'Makes a new key that the trace is encrypted with from the next start.').action(
    async (flags: SecretFlags) => {
      const id = await addTraceKey(await openStore(flags));
      say(
        `The key ${id} is made. Start waybill run --encrypt again to write with it; what earlier keys encrypted stays readable.`,
      );
    },
  );
  return command;
}

function stillNeeded(name: string): EngineError {
  return new EngineError(
    'CREDENTIAL_REFUSED',
    `${name} is a key of the trace: without it, nothing that it encrypted is ever read again, and the operator plane does not start on that trace. Remove it with --forever once that trace is gone.`,
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
  return new EngineError('CREDENTIAL_MISSING', `There is no secret named ${name}. ${remedy}`);
}

interface RequestFlags {
  readonly name: readonly string[];
  readonly rsa?: boolean;
  readonly out: string;
}

/** `waybill certificate request`: a key, and what an authority needs to certify it. */
export function certificateCommand(): Command {
  const command = new Command('certificate').description(
    'Makes a private key and the request (CSR) that an authority answers with a certificate.',
  );
  command
    .command('request')
    .description('Writes <out>.key and <out>.csr; nothing that is there is overwritten.')
    .argument('<common name>', 'such as hub.hospital.example')
    .option(
      '--name <name>',
      'a further name: DNS:…, URI:… or IP:…; may be repeated. The common name is always one, where it is a host',
      (one: string, all: readonly string[]) => [...all, one],
      [] as readonly string[],
    )
    .option('--rsa', 'an RSA key (3072 bit), for those who take no other, such as Entra')
    .option('--out <path>', 'where to write, without an ending', 'waybill')
    .action(request);
  return command;
}

async function request(commonName: string, { name, rsa, out }: RequestFlags): Promise<void> {
  const names = [...new Set([...ownName(commonName), ...name])];
  const made = asked(() =>
    certificateRequest({ commonName, names, keys: rsa === true ? 'RSA' : 'P-256' }),
  );
  await put(`${out}.key`, made.key, 0o600);
  await put(`${out}.csr`, made.request, 0o644);
  say(`${out}.key is the private key: keep it here. Send ${out}.csr to the authority.`);
  say('Put its certificate, followed by its intermediates, into a file and name both:');
  say(`  ${basename(out)}: { kind: certificate, certificate: ${out}.crt, key: ${out}.key }`);
}

/** What peers compare with is the alternative names alone (RFC 9525 §2): the common name must be among them. */
function ownName(commonName: string): readonly string[] {
  if (isIP(commonName) !== 0) return [`IP:${commonName}`];
  return /^[\w*-]+(\.[\w-]+)*\.?$/.test(commonName) ? [`DNS:${commonName}`] : [];
}

function asked<Made>(make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new EngineError('CONFIG_INVALID', `${error.message}: write DNS:hub.example or alike.`);
  }
}

async function put(file: string, text: string, mode: number): Promise<void> {
  await writeFile(file, text, { mode, flag: 'wx' }).catch((error: unknown) => {
    const { code } = describeError(error);
    throw new EngineError(
      'CONFIG_INVALID',
      `${file} cannot be written (${code}). Name another place with --out.`,
    );
  });
}
