import { readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { basename } from 'node:path';
import { Command } from 'commander';
import { dateText, daysUntil } from '../../adapter/certificate-facts.ts';
import { certificateRequest } from '../../credential/certificate-request.ts';
import { type KeyMaterial, keyMaterial } from '../../credential/inspect/key-material.ts';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { print, say, table } from '../output.ts';
import { readLine } from '../read-secret.ts';

interface RequestFlags {
  readonly name: readonly string[];
  readonly rsa?: boolean;
  readonly out: string;
}

/** `waybill certificate request|show`: a key and a certificate request for it; what a file is. */
export function certificateCommand(): Command {
  const command = new Command('certificate').description(
    'Makes a private key and a certificate request (CSR) for an authority, and says what certificates and keys are.',
  );
  command
    .command('request')
    .description('Writes <out>.key and <out>.csr; existing files are not overwritten.')
    .argument('<common name>', 'such as hub.hospital.example')
    .option(
      '--name <name>',
      'another name: DNS:…, URI:… or IP:…; may be repeated. The common name is always included if it is a host name',
      (one: string, all: readonly string[]) => [...all, one],
      [] as readonly string[],
    )
    .option('--rsa', 'an RSA key (3072 bit), for peers that accept no other, such as Entra')
    .option('--out <path>', 'where to write, without an extension', 'waybill')
    .action(request);
  command.addCommand(showCommand());
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

/** Peers only compare with the alternative names (RFC 9525 §2): the common name must be among them. */
function ownName(commonName: string): readonly string[] {
  if (isIP(commonName) !== 0) return [`IP:${commonName}`];
  return /^[\w*-]+(\.[\w-]+)*\.?$/.test(commonName) ? [`DNS:${commonName}`] : [];
}

function asked<Made>(make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new EngineError(
      'CONFIG_INVALID',
      `${error.message}: write a name such as DNS:hub.example.`,
    );
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

interface ShowFlags {
  readonly passphrase?: boolean;
  readonly json?: boolean;
}

/** `waybill certificate show`: what certificates and keys are, and whether they belong together. */
function showCommand(): Command {
  return new Command('show')
    .description(
      'Says what files of certificates and keys are, whatever they are written in (PEM, DER, PKCS#12, JWK, OpenSSH, PuTTY), and whether they belong together. Nothing secret is shown.',
    )
    .argument('<files...>', 'such as hub.crt hub.key, or hub.p12')
    .option(
      '--passphrase',
      'ask for the passphrase of keys and PKCS#12 files, or read it from standard input',
    )
    .option('--json', 'as JSON')
    .action(show);
}

async function show(names: readonly string[], { passphrase, json }: ShowFlags): Promise<void> {
  const given = passphrase === true ? await readLine('the passphrase') : undefined;
  const files = await Promise.all(
    names.map(async (name) => ({ name, bytes: await bytesOf(name), passphrase: given })),
  );
  const now = Date.now();
  const material = await keyMaterial(files, now);
  if (json === true) return print(JSON.stringify(material));
  for (const [index, item] of numbered(material)) {
    print(`${item.file}: ${title(item, index)}`);
    const rows = rowsOf(item, now).filter((row): row is [string, string] => row[1] !== undefined);
    if (rows.length > 0) print(table(rows.map(([name, value]) => [`  ${name}`, value])));
  }
  for (const note of material.notes) print(note);
}

const bytesOf = (name: string): Promise<Buffer> =>
  readFile(name).catch((error: unknown) => {
    throw new EngineError('NOT_FOUND', `${name} cannot be read: ${describeError(error).text}`);
  });

type Item = KeyMaterial['items'][number];

/** Certificates with their number, as the notes have it. */
function numbered({ items }: KeyMaterial): (readonly [number, Item])[] {
  let count = 0;
  return items.map((item) => [item.kind === 'certificate' ? ++count : 0, item] as const);
}

function title(item: Item, number: number): string {
  if (item.kind === 'certificate') return `certificate ${number} (${item.form})`;
  if ('type' in item) return `${item.kind}, ${item.type} (${item.form})`;
  return `${item.note} (${item.form})`;
}

type Row = readonly [string, string | undefined];

function rowsOf(item: Item, now: number): Row[] {
  if (item.kind === 'certificate') {
    const days = daysUntil(item.notAfter, now);
    const left = days < 0 ? `${-days} days ago` : `in ${days} days`;
    return [
      ['subject', item.subject],
      ['issuer', item.selfSigned ? 'itself' : item.issuer],
      [
        'names',
        item.names.length === 0 ? 'none: clients refuse it as a server’s' : item.names.join(', '),
      ],
      ['valid', `${dateText(item.notBefore)} until ${dateText(item.notAfter)} (${left})`],
      ['key', item.key.type],
      ['weak', item.key.weak],
      ['for', item.usage.length === 0 ? undefined : item.usage.join(', ')],
      ['authority', item.authority ? 'yes: it may issue others' : undefined],
      ['serial', item.serial],
      ['fingerprint', `SHA-256 ${item.fingerprint}`],
    ];
  }
  if (!('type' in item)) return [];
  return [
    ['public key', `SHA-256 ${item.publicFingerprint}`],
    ['weak', item.weak],
    ['note', item.note],
  ];
}
