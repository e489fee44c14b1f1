import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { dateText, daysUntil } from '../../adapter/certificate-facts.ts';
import { type KeyMaterial, keyMaterial } from '../../credential/inspect/key-material.ts';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { print, table } from '../output.ts';
import { readSecret } from '../read-secret.ts';

interface ShowFlags {
  readonly passphrase?: boolean;
  readonly json?: boolean;
}

/** `waybill certificate show`: what certificates and keys are, and whether they belong together. */
export function showCommand(): Command {
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
  const given = passphrase === true ? await readSecret('the passphrase') : undefined;
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
