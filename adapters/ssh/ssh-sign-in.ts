import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import ssh2, {
  type AnyAuthMethod,
  type AuthHandlerMiddleware,
  type ParsedKey,
  type Prompt,
} from 'ssh2';
import { type Credential, DisableError } from 'waybill/adapter';
import { fingerprint } from './host-key.ts';

type Method = 'publickey' | 'password' | 'keyboard-interactive';

/** One sign-in, and the facts known about it afterwards. */
export interface SshSignIn {
  readonly user: string;
  /**
   * Asks the server first what it offers, then tries what the credential has: the key, then the password,
   * as such or as the answer to a prompt. Never both: accounts are locked after a few wrong passwords.
   */
  readonly handler: AuthHandlerMiddleware;
  /** What the server said it accepts; empty before it was asked. */
  readonly offered: readonly string[];
  /** What was tried, in order; the last one is what worked, if the sign-in did. */
  readonly tried: readonly string[];
  /** Why it could not succeed, if more is known than that it was refused. */
  readonly problem: string | undefined;
}

/** Prepares a sign-in. Throws DisableError if the credential's key cannot be read. */
export function signIn(credential: Credential): SshSignIn {
  if (credential.kind !== 'basic' && credential.kind !== 'ssh-key') {
    throw new DisableError(
      `SSH cannot sign in with a credential of kind ${credential.kind}. Use one of kind basic or ssh-key.`,
    );
  }
  const key =
    credential.kind === 'ssh-key'
      ? readPrivateKey(credential.privateKey, credential.passphrase)
      : undefined;
  return new CredentialSignIn(credential.user, key, credential.password);
}

class CredentialSignIn implements SshSignIn {
  readonly user: string;
  readonly tried: string[] = [];
  offered: readonly string[] = [];
  problem: string | undefined;
  readonly #key: ParsedKey | undefined;
  readonly #password: string | undefined;
  /** What has not been tried since the server last asked for another method. */
  #left: Method[];

  constructor(user: string, key: ParsedKey | undefined, password: string | undefined) {
    this.user = user;
    this.#key = key;
    this.#password = password;
    this.#left = this.#all();
  }

  readonly handler: AuthHandlerMiddleware = (left, partial, next) => {
    // The first call comes before anything was asked: `none` makes the server say what it takes.
    const offered = left as readonly string[] | null;
    if (offered === null) {
      next({ type: 'none', username: this.user });
      return;
    }
    this.offered = offered;
    // The last method succeeded, and the server wants another one as well.
    if (partial)
      this.#left = this.#all().filter((method) => !this.tried.at(-1)?.startsWith(method));
    const method = this.#left.find((one) => offered.includes(one));
    if (method === undefined) {
      // The types of the library leave out that `false` ends the sign-in.
      next(false as unknown as AnyAuthMethod);
      return;
    }
    const isSpent = (one: Method): boolean =>
      one === method || (one !== 'publickey' && method !== 'publickey');
    this.#left = this.#left.filter((one) => !isSpent(one));
    next(this.#attempt(method));
  };

  #all(): Method[] {
    const withPassword: Method[] =
      this.#password === undefined ? [] : ['password', 'keyboard-interactive'];
    return this.#key === undefined ? withPassword : ['publickey', ...withPassword];
  }

  #attempt(method: Method): AnyAuthMethod {
    const username = this.user;
    if (method === 'publickey' && this.#key !== undefined) {
      const { type } = this.#key;
      this.tried.push(`publickey (${type} ${fingerprint(this.#key.getPublicSSH())})`);
      return { type: 'publickey', username, key: this.#key };
    }
    this.tried.push(method);
    if (method === 'password')
      return { type: 'password', username, password: this.#password ?? '' };
    let rounds = 0;
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (...asked) => {
        const [, , , prompts, finish] = asked;
        rounds += 1;
        finish(this.#answers(prompts, rounds));
      },
    };
  }

  /** The password is sent once: a server that asks again has refused it, or wants a code that we do not have. */
  #answers(prompts: readonly Prompt[], round: number): string[] {
    const secret = prompts.filter(({ echo }) => echo !== true);
    if (round === 1 && secret.length === 1 && prompts.length === 1) return [this.#password ?? ''];
    this.problem =
      round > 1
        ? 'it asked again, so the password is wrong or it wants a second factor'
        : 'it prompts for more than the password';
    return prompts.map(() => '');
  }
}

/**
 * Reads a private key in any common format: OpenSSH, PEM, PuTTY, and PKCS#8, which openssl writes
 * today and which the SSH library cannot read. Throws DisableError with what to do: a retry would
 * not make a key readable.
 */
export function readPrivateKey(text: string, passphrase: string | undefined): ParsedKey {
  if (/BEGIN (ENCRYPTED )?PRIVATE KEY/.test(text)) {
    return parsed(fromPkcs8(decrypted(text, passphrase)), undefined);
  }
  return parsed(text, passphrase);
}

function parsed(text: string, passphrase: string | undefined): ParsedKey {
  const read = ssh2.utils.parseKey(text, passphrase);
  if (read instanceof Error) throw unreadable(text, read, passphrase);
  const key = Array.isArray(read) ? read[0] : read;
  if (key === undefined) throw unreadable(text, new Error('no key'), passphrase);
  if (!key.isPrivateKey()) {
    throw new DisableError(
      'The private key of the credential is a public key. Give the file without .pub.',
    );
  }
  return key;
}

function unreadable(text: string, error: Error, passphrase: string | undefined): DisableError {
  const [problem, remedy] = problemWith(text, error.message, passphrase);
  return new DisableError(`The private key of the credential ${problem}. ${remedy}.`);
}

const CONVERT = 'Convert it with: ssh-keygen -p -f <key file> -N "<passphrase>"';

function problemWith(
  text: string,
  message: string,
  passphrase: string | undefined,
): readonly [problem: string, remedy: string] {
  if (/no passphrase|Missing passphrase|but no passphrase/i.test(message)) {
    return ['is encrypted', 'Add its passphrase to the credential'];
  }
  if (/bad passphrase|integrity check|decrypt|MAC/i.test(message) && passphrase !== undefined) {
    return ['cannot be opened with the passphrase of the credential', 'Check the passphrase'];
  }
  if (text.trimStart().startsWith('PuTTY-User-Key-File-3')) {
    return [
      'is a PuTTY key of version 3, which cannot be read',
      'Export it in PuTTYgen: Conversions, Export OpenSSH key',
    ];
  }
  if (!text.includes('PRIVATE KEY')) {
    return ['is not a private key', 'Give the text of a key file such as id_ed25519'];
  }
  return ['is of a kind that cannot be read', CONVERT];
}

function decrypted(text: string, passphrase: string | undefined): KeyObject {
  if (text.includes('ENCRYPTED') && passphrase === undefined) {
    throw new DisableError(
      'The private key of the credential is encrypted. Add its passphrase to the credential.',
    );
  }
  try {
    return createPrivateKey({ key: text, ...(passphrase !== undefined && { passphrase }) });
  } catch {
    // The text of the error may quote the key.
    const encrypted = text.includes('ENCRYPTED');
    throw new DisableError(
      encrypted
        ? 'The private key of the credential cannot be opened with the passphrase of the credential. Check the passphrase.'
        : 'The private key of the credential is damaged. Copy the whole file, with its first and last line.',
    );
  }
}

function fromPkcs8(key: KeyObject): string {
  const kind = key.asymmetricKeyType;
  if (kind === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' }).toString();
  if (kind === 'ec') return key.export({ type: 'sec1', format: 'pem' }).toString();
  if (kind === 'ed25519') return openSshEd25519(key);
  throw new DisableError(
    `The private key of the credential is of kind ${kind}, which SSH does not support. Make one with: ssh-keygen -t ed25519.`,
  );
}

/** Writes the format `openssh-key-v1` (PROTOCOL.key of OpenSSH), the only one in which the SSH library reads Ed25519. */
function openSshEd25519(key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' });
  const publicKey = Buffer.from(x, 'base64url');
  const seed = Buffer.from(d, 'base64url');
  const check = randomBytes(4);
  const inner = Buffer.concat([
    check,
    check,
    string('ssh-ed25519'),
    string(publicKey),
    string(Buffer.concat([seed, publicKey])),
    string(''),
  ]);
  const padding = Buffer.from(
    Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, n) => n + 1),
  );
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    string('none'),
    string('none'),
    string(''),
    number(1),
    string(Buffer.concat([string('ssh-ed25519'), string(publicKey)])),
    string(Buffer.concat([inner, padding])),
  ]);
  const lines = whole.toString('base64').replaceAll(/.{70}/g, '$&\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function string(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(bytes.length), bytes]);
}
