import { createCipheriv, createDecipheriv, createHash, pbkdf2Sync, randomBytes } from 'node:crypto';

/** The kind of verifier that Oracle has kept since 12.1. */
const VERIFIER_12C = 0x4815;
const VERIFIER_ROUNDS = 4_096;
const KEY_ROUNDS = 3;

const hex = (bytes: Buffer): string => bytes.toString('hex').toUpperCase();

function crypt(how: 'encrypt' | 'decrypt', key: Buffer, bytes: Buffer): Buffer {
  const make = how === 'encrypt' ? createCipheriv : createDecipheriv;
  const cipher = make('aes-256-cbc', key, Buffer.alloc(16)).setAutoPadding(false);
  return Buffer.concat([cipher.update(bytes), cipher.final()]);
}

/** The server's side of O5LOGON: both sides prove that they know the password, which is then sent encrypted. */
export class O5Logon {
  readonly #password: string;
  readonly #verifier = randomBytes(16);
  readonly #salt = randomBytes(16);
  readonly #part = randomBytes(32);
  readonly #hash: Buffer;

  constructor(password: string) {
    this.#password = password;
    const salt = Buffer.concat([this.#verifier, Buffer.from('AUTH_PBKDF2_SPEEDY_KEY')]);
    const key = pbkdf2Sync(password, salt, VERIFIER_ROUNDS, 64, 'sha512');
    this.#hash = createHash('sha512').update(key).update(this.#verifier).digest().subarray(0, 32);
  }

  /** What the client is asked, and of each the flags. */
  challenge(): readonly (readonly [name: string, value: string, flags: number])[] {
    return [
      ['AUTH_SESSKEY', hex(crypt('encrypt', this.#hash, this.#part)), 0],
      ['AUTH_VFR_DATA', hex(this.#verifier), VERIFIER_12C],
      ['AUTH_PBKDF2_CSK_SALT', hex(this.#salt), 0],
      ['AUTH_PBKDF2_VGEN_COUNT', String(VERIFIER_ROUNDS), 0],
      ['AUTH_PBKDF2_SDER_COUNT', String(KEY_ROUNDS), 0],
    ];
  }

  /** The server's proof; undefined if the password is wrong. */
  proof(given: ReadonlyMap<string, string>): string | undefined {
    const theirs = Buffer.from(given.get('AUTH_SESSKEY') ?? '', 'hex');
    const encrypted = Buffer.from(given.get('AUTH_PASSWORD') ?? '', 'hex');
    if (theirs.length !== 32 || encrypted.length === 0 || encrypted.length % 16 !== 0)
      return undefined;
    const part = crypt('decrypt', this.#hash, theirs);
    const both = hex(Buffer.concat([part, this.#part]));
    const key = pbkdf2Sync(both, this.#salt, KEY_ROUNDS, 32, 'sha512');
    const plain = crypt('decrypt', key, encrypted);
    const password = plain.subarray(16, plain.length - (plain.at(-1) ?? 0)).toString();
    if (password !== this.#password) return undefined;
    const answer = Buffer.concat([randomBytes(16), Buffer.from('SERVER_TO_CLIENT')]);
    return hex(crypt('encrypt', key, answer));
  }
}
