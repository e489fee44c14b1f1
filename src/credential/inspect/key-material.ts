import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  X509Certificate,
} from 'node:crypto';
import type { ParsedKey } from 'ssh2';
import { certificateFacts } from '../../adapter/certificate-facts.ts';
import { describeError } from '../../error/engine-error.ts';
import { type DerElement, elementAt } from '../../peer/tls/read-der.ts';
import { openPkcs12 } from '../pkcs12.ts';
import {
  certificatePart,
  type MaterialFile,
  type MaterialItem,
  privateKeyPart,
  publicKeyPart,
  type ReadPart,
  refused,
} from './part.ts';

/** What files of certificates and keys are. */
export interface KeyMaterial {
  readonly items: readonly (MaterialItem & { readonly file: string; readonly form: string })[];
  /** How the items belong together, and what is wrong with that; full sentences. */
  readonly notes: readonly string[];
}

/** Each certificate is compared with each other. */
const MOST = 60;

/**
 * Says what certificates and keys are, whatever they are written in: PEM, DER, PKCS#12, JWK, OpenSSH, PuTTY. Never gives
 * a private key, a secret or a passphrase. Rejects with CREDENTIAL_REFUSED for what is none of these, or cannot be opened.
 */
export async function keyMaterial(
  files: readonly MaterialFile[],
  now: number,
): Promise<KeyMaterial> {
  const read: (ReadPart & { readonly file: string })[] = [];
  for (const file of files) {
    for (const part of await readParts(file)) read.push({ ...part, file: file.name });
    if (read.length > MOST)
      throw refused(
        file,
        `and those before it hold more than ${MOST} certificates and keys`,
        'Name fewer files.',
      );
  }
  return {
    items: read.map(({ item, file, form }) => ({ ...item, file, form })),
    notes: [...expiryNotes(read, now), ...chainNotes(read), ...pairNotes(read)],
  };
}

interface Placed extends ReadPart {
  readonly file: string;
}

function expiryNotes(parts: readonly Placed[], now: number): string[] {
  return certificatesOf(parts).flatMap((one, index) => {
    const { notBefore, notAfter, subject } = certificateFacts(one);
    const name = `Certificate ${index + 1} (${subject})`;
    if (notAfter.getTime() < now) return [`${name} has expired.`];
    return notBefore.getTime() > now ? [`${name} is not valid yet.`] : [];
  });
}

const certificatesOf = (parts: readonly Placed[]): X509Certificate[] =>
  parts.flatMap(({ certificate }) => certificate ?? []);

/** Whether each certificate is followed by the one that issued it, as TLS wants them. */
function chainNotes(parts: readonly Placed[]): string[] {
  const all = certificatesOf(parts);
  const notes = all.flatMap((one, at) => {
    if (one.checkIssued(one) || isIssuedBy(one, all[at + 1])) return [];
    const issuer = all.findIndex((other) => isIssuedBy(one, other));
    if (issuer === -1) return missingIssuer(one, at + 1);
    return [
      `The chain is not in order: certificate ${at + 1} is issued by certificate ${issuer + 1}, which should come right after it.`,
    ];
  });
  const isWhole =
    all.length > 1 && all.slice(0, -1).every((one, at) => isIssuedBy(one, all[at + 1]));
  const order = `The chain is in order: each of the ${all.length} certificates is issued by the next.`;
  return isWhole ? [order, ...notes] : notes;
}

const isIssuedBy = (
  one: X509Certificate | undefined,
  other: X509Certificate | undefined,
): boolean =>
  one !== undefined && other !== undefined && one.checkIssued(other) && one.verify(other.publicKey);

function missingIssuer(one: X509Certificate, number: number): string[] {
  const { issuer } = certificateFacts(one);
  return [
    `The issuer of certificate ${number}, ${issuer}, is not here: a peer that knows only the root needs it, unless it is the root.`,
  ];
}

/** Which key belongs to which certificate. */
function pairNotes(parts: readonly Placed[]): string[] {
  const certificates = certificatesOf(parts);
  return parts.flatMap(({ privateKey, file, form }) => {
    if (privateKey === undefined || certificates.length === 0) return [];
    const at = certificates.findIndex((one) => one.checkPrivateKey(privateKey));
    const what = `The private key (${file}, ${form})`;
    if (at === -1) return [`${what} belongs to none of the certificates.`];
    const order = at === 0 ? '' : ', which should be the first of its chain';
    return [`${what} belongs to certificate ${at + 1}${order}.`];
  });
}

/** Every certificate and key of one file. Rejects with CREDENTIAL_REFUSED. */
async function readParts(file: MaterialFile): Promise<ReadPart[]> {
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

/**
 * A passphrase is turned into a key in as many rounds as the file itself says, and nothing can end that once it has
 * begun: a file that was made to keep a server busy is not opened. OpenSSL's files have 2,048 to some 600,000.
 */
const MOST_ROUNDS = 5_000_000;
/** OpenSSH's rounds are some 20 ms each; ssh-keygen makes 16 to 24. */
const MOST_SSH_ROUNDS = 200;

const INTEGER = 0x02;
const OCTETS = 0x04;
/** [0] EXPLICIT. */
const CONTENT = 0xa0;
const OPEN_LENGTH = 0x80;
const DEEPEST = 24;

/**
 * Whether a file in DER (PKCS#8, PKCS#12) asks for too many rounds. True as well for lengths that are left open (BER),
 * behind which they could be hidden.
 */
export function tooManyRounds(der: Buffer, { depth, tag }: Within = { depth: 0, tag: 0 }): boolean {
  let salted = false;
  for (let at = 0; at < der.length; ) {
    const one = elementAt(der, at);
    if (one === undefined || one.end <= at) return false;
    if (salted && one.tag === INTEGER && isMany(one)) return true;
    if (isConstructed(one) && der[at + 1] === OPEN_LENGTH) return true;
    if (isEntered(one, tag) && hidesTooMany(one, depth)) return true;
    salted = one.tag === OCTETS;
    at = one.end;
  }
  return false;
}

/** The element whose content is looked through. */
interface Within {
  readonly depth: number;
  readonly tag: number;
}

/**
 * Octets hold further elements only where PKCS#7 has its content (RFC 2315 §7); elsewhere they are
 * salts and ciphers, random bytes in which anything can be found.
 */
const isEntered = (one: DerElement, within: number): boolean =>
  isConstructed(one) || (one.tag === OCTETS && within === CONTENT);

const hidesTooMany = ({ content, tag }: DerElement, depth: number): boolean =>
  depth < DEEPEST && tooManyRounds(content, { depth: depth + 1, tag });

/** The number of rounds comes after the salt (RFC 8018 §A.2, RFC 7292 §4). */
function isMany({ content }: DerElement): boolean {
  if (content.length > 8) return true;
  return content.length > 0 && BigInt(`0x${content.toString('hex')}`) > MOST_ROUNDS;
}

const isConstructed = ({ tag }: DerElement): boolean => (tag & 0x20) !== 0;

/** Whether a private key of OpenSSH asks for too many rounds of bcrypt. */
function tooManySshRounds(pem: string): boolean {
  const body = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const magic = 'openssh-key-v1\0';
  if (body.toString('latin1', 0, magic.length) !== magic) return false;
  let at = magic.length;
  const next = (): Buffer => {
    const length = at + 4 <= body.length ? body.readUInt32BE(at) : 0;
    const part = body.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return part;
  };
  next();
  const kdf = next().toString('latin1');
  const options = next();
  if (kdf !== 'bcrypt' || options.length < 8) return kdf === 'bcrypt';
  const salt = options.readUInt32BE(0);
  const rounds = options.length >= salt + 8 ? options.readUInt32BE(4 + salt) : MOST_SSH_ROUNDS + 1;
  return rounds > MOST_SSH_ROUNDS;
}
