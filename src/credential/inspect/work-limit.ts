import { type DerElement, elementAt } from '../../peer/tls/read-der.ts';

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
export function tooManySshRounds(pem: string): boolean {
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
