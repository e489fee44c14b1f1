import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { basename } from 'node:path';
import { Command } from 'commander';
import { certificateRequest } from '../credential/certificate-request.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import { say } from './output.ts';

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
