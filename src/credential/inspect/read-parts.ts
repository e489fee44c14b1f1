import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  X509Certificate,
} from 'node:crypto';
import type { ParsedKey } from 'ssh2';
import { describeError } from '../../error/engine-error.ts';
import { openPkcs12 } from '../pkcs12.ts';
import {
  certificatePart,
  type MaterialFile,
  privateKeyPart,
  publicKeyPart,
  type ReadPart,
  refused,
} from './part.ts';
import { tooManyRounds, tooManySshRounds } from './work-limit.ts';

/** Every certificate and key of one file. Rejects with CREDENTIAL_REFUSED. */
export async function readParts(file: MaterialFile): Promise<ReadPart[]> {
  const { bytes } = file;
  const text = bytes.toString('utf8').trim();
  if (text === '') throw refused(file, 'is empty', 'Name another file.');
  const ssh = await readSshParts(text, file);
  if (ssh !== undefined) return ssh;
  if (text.includes('-----BEGIN ')) return pemParts(text, file);
  if (text.startsWith('{')) return jsonParts(text, file);
  if (bytes[0] === SEQUENCE) return binaryParts(file);
  throw refused(
    file,
    'is no certificate and no key in any form that is known here (PEM, DER, PKCS#12, JWK, OpenSSH, PuTTY)',
    'Look at its first line.',
  );
}

const SEQUENCE = 0x30;

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

function pemParts(text: string, file: MaterialFile): ReadPart[] {
  const parts = [...text.matchAll(BLOCK)].map(([block, label = '']) => pemPart(block, label, file));
  if (parts.length > 0) return parts;
  throw refused(
    file,
    'begins a PEM block and does not end it',
    'Copy all of it, with its last line.',
  );
}

const OTHER: Readonly<Record<string, string>> = {
  'CERTIFICATE REQUEST': 'a certificate request (CSR): an authority makes a certificate of it',
  'NEW CERTIFICATE REQUEST': 'a certificate request (CSR): an authority makes a certificate of it',
  'X509 CRL': 'a revocation list of an authority',
  PKCS7: 'certificates as PKCS#7: openssl pkcs7 -print_certs -in FILE makes PEM of them',
  'DH PARAMETERS': 'parameters of Diffie-Hellman, no key',
  'EC PARAMETERS': 'the name of a curve; the key follows',
  'PGP PUBLIC KEY BLOCK': 'a public key of OpenPGP',
  'PGP PRIVATE KEY BLOCK': 'a private key of OpenPGP',
};

function pemPart(block: string, label: string, file: MaterialFile): ReadPart {
  if (/^(?:TRUSTED |X509 )?CERTIFICATE$/.test(label)) return certificateFrom(block, 'PEM', file);
  if (label.endsWith('PRIVATE KEY')) return privatePart(block, pemForm(label), file);
  if (label.endsWith('PUBLIC KEY')) return publicPart(block, pemForm(label), file);
  return {
    form: 'PEM',
    item: { kind: 'other', note: OTHER[label] ?? `a PEM block named ${label}` },
  };
}

const PEM_FORMS: Readonly<Record<string, string>> = {
  'PRIVATE KEY': 'PEM, PKCS#8',
  'ENCRYPTED PRIVATE KEY': 'PEM, PKCS#8, encrypted',
  'RSA PRIVATE KEY': 'PEM, PKCS#1',
  'EC PRIVATE KEY': 'PEM, SEC1',
  'PUBLIC KEY': 'PEM, SPKI',
  'RSA PUBLIC KEY': 'PEM, PKCS#1',
};
const pemForm = (label: string): string => PEM_FORMS[label] ?? 'PEM';

function certificateFrom(from: string | Buffer, form: string, file: MaterialFile): ReadPart {
  try {
    return certificatePart(new X509Certificate(from), form);
  } catch {
    throw refused(file, 'holds a certificate that is damaged', 'Copy it again.');
  }
}

function privatePart(block: string, form: string, file: MaterialFile): ReadPart {
  const isEncrypted = block.includes('ENCRYPTED');
  const { passphrase } = file;
  if (isEncrypted)
    checkWork(Buffer.from(block.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'), file);
  if (isEncrypted && passphrase === undefined) {
    const note = 'a private key that only its passphrase opens';
    return { form, item: { kind: 'encrypted key', note } };
  }
  try {
    const key = createPrivateKey({ key: block, ...(passphrase !== undefined && { passphrase }) });
    return privateKeyPart(key, form);
  } catch {
    throw isEncrypted
      ? refused(file, 'cannot be opened with this passphrase', 'Type it again.')
      : refused(
          file,
          'holds a private key that is damaged or of an unknown kind',
          'Export it again.',
        );
  }
}

function publicPart(block: string, form: string, file: MaterialFile): ReadPart {
  try {
    return publicKeyPart(createPublicKey(block), form);
  } catch {
    throw refused(
      file,
      'holds a public key that is damaged or of an unknown kind',
      'Copy it again.',
    );
  }
}

function jsonParts(text: string, file: MaterialFile): ReadPart[] {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw refused(file, 'begins like JSON and is none', 'Copy all of it.');
  }
  const { keys } = read as { readonly keys?: unknown };
  const all = Array.isArray(keys) ? (keys as readonly JsonWebKey[]) : [read as JsonWebKey];
  return all.map((one) => jwkPart(one, file));
}

function jwkPart(jwk: JsonWebKey, file: MaterialFile): ReadPart {
  const words = (['kid', 'alg', 'use'] as const).flatMap((key) =>
    typeof jwk[key] === 'string' ? [`${key} ${jwk[key].slice(0, 100)}`] : [],
  );
  const note = words.length === 0 ? undefined : words.join(', ');
  if (jwk['kty'] === 'oct') {
    return {
      form: 'JWK',
      item: { kind: 'secret key', note: `a shared secret${note === undefined ? '' : `, ${note}`}` },
    };
  }
  try {
    const from = { key: jwk, format: 'jwk' } as const;
    return typeof jwk['d'] === 'string'
      ? privateKeyPart(createPrivateKey(from), 'JWK', note)
      : publicKeyPart(createPublicKey(from), 'JWK', note);
  } catch {
    throw refused(
      file,
      'holds JSON that is no JWK and no set of them',
      'A key has kty, and n and e, or crv and x.',
    );
  }
}

/** Throws for a file whose passphrase would take too long to try. */
function checkWork(der: Buffer, file: MaterialFile): void {
  if (!tooManyRounds(der)) return;
  throw refused(
    file,
    'asks for more rounds for its passphrase than any program makes, or leaves lengths open (BER)',
    'Export it again.',
  );
}

/** DER of a certificate or key, or PKCS#12. */
async function binaryParts(file: MaterialFile): Promise<ReadPart[]> {
  const { bytes, passphrase } = file;
  checkWork(bytes, file);
  const tries: readonly (() => ReadPart)[] = [
    () => certificateFrom(bytes, 'DER', file),
    () =>
      privateKeyPart(
        createPrivateKey({
          key: bytes,
          format: 'der',
          type: 'pkcs8',
          ...(passphrase !== undefined && { passphrase }),
        }),
        'DER, PKCS#8',
      ),
    () =>
      privateKeyPart(createPrivateKey({ key: bytes, format: 'der', type: 'pkcs1' }), 'DER, PKCS#1'),
    () =>
      privateKeyPart(createPrivateKey({ key: bytes, format: 'der', type: 'sec1' }), 'DER, SEC1'),
    () => publicKeyPart(createPublicKey({ key: bytes, format: 'der', type: 'spki' }), 'DER, SPKI'),
  ];
  for (const attempt of tries) {
    try {
      return [attempt()];
    } catch {
      // not that form: the next one may fit
    }
  }
  return pkcs12Parts(file);
}

async function pkcs12Parts(file: MaterialFile): Promise<ReadPart[]> {
  const { name, bytes, passphrase } = file;
  try {
    const { certificate, key } = await openPkcs12({
      credential: name,
      file: name,
      bytes,
      passphrase,
    });
    const form = 'PKCS#12';
    return [
      ...pemParts(certificate, file).map((part) => ({ ...part, form })),
      privateKeyPart(createPrivateKey(key), form),
    ];
  } catch (error) {
    const { text } = describeError(error);
    if (/is encrypted\b/.test(text)) {
      return [
        {
          form: 'PKCS#12',
          item: {
            kind: 'encrypted key',
            note: 'certificates and a key that only the passphrase opens',
          },
        },
      ];
    }
    throw error;
  }
}

const PUBLIC = /^(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d+|sk-[\w@.-]+) [A-Za-z0-9+/=]+/;
const PRIVATE = /-----BEGIN OPENSSH PRIVATE KEY-----|^PuTTY-User-Key-File-/;

/** Keys as OpenSSH and PuTTY write them; undefined for anything else. */
async function readSshParts(text: string, file: MaterialFile): Promise<ReadPart[] | undefined> {
  if (PRIVATE.test(text)) return [await sshPart(text, file)];
  const lines = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0 || !lines.every((line) => PUBLIC.test(line))) return undefined;
  return Promise.all(lines.map((line) => sshPart(line, file)));
}

async function sshPart(text: string, file: MaterialFile): Promise<ReadPart> {
  // loaded with the first that is looked at: it brings its own cryptography
  const { utils } = (await import('ssh2')).default;
  const isPuTTY = text.startsWith('PuTTY');
  if (tooManySshRounds(text)) {
    throw refused(
      file,
      'asks for more rounds for its passphrase than ssh-keygen makes',
      'Write it again: ssh-keygen -p -a 16 -f FILE.',
    );
  }
  const parsed = utils.parseKey(text, file.passphrase);
  if (parsed instanceof Error) {
    if (/passphrase|encrypted/i.test(parsed.message) && file.passphrase === undefined) {
      const note = 'a private key that only its passphrase opens';
      return { form: isPuTTY ? 'PuTTY' : 'OpenSSH', item: { kind: 'encrypted key', note } };
    }
    throw refused(
      file,
      'holds an SSH key that cannot be read with this passphrase, or is damaged',
      'Type the passphrase again.',
    );
  }
  return partOf(parsed, isPuTTY ? 'PuTTY' : 'OpenSSH');
}

function partOf(parsed: ParsedKey, form: string): ReadPart {
  const ssh = createHash('sha256')
    .update(parsed.getPublicSSH())
    .digest('base64')
    .replace(/=+$/, '');
  const comment = parsed.comment === '' ? '' : `, ${parsed.comment.slice(0, 100)}`;
  const note = `SHA256:${ssh}${comment}`;
  return parsed.isPrivateKey()
    ? privateKeyPart(createPrivateKey(parsed.getPrivatePEM()), form, note)
    : publicKeyPart(createPublicKey(parsed.getPublicPEM()), form, note);
}
