import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { listening } from './tcp-server.ts';

/** Who may sign in, and how. */
export interface SaslRules {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

const API_VERSIONS = 18;
const HANDSHAKE = 17;
const AUTHENTICATE = 36;
const UNSUPPORTED_MECHANISM = 33;
const FAILED = 58;

/**
 * Signs in before a broker that knows no sign-in: answers SaslHandshake and SaslAuthenticate as Kafka does (KIP-43,
 * KIP-152), and passes everything on once that succeeded. Like Kafka it ends a connection that asks for anything else before.
 */
export async function saslBefore(target: number, rules: SaslRules): ReturnType<typeof listening> {
  return await listening(createServer((client) => new SignIn(client, target, rules)));
}

class SignIn {
  readonly #client: Socket;
  readonly #broker: Socket;
  readonly #rules: SaslRules;
  readonly #scram: Scram | undefined;
  #bytes = Buffer.alloc(0);
  #isIn = false;

  constructor(client: Socket, target: number, rules: SaslRules) {
    this.#client = client;
    this.#rules = rules;
    const { mechanism, user = '', password = '' } = rules;
    if (mechanism.startsWith('SCRAM')) {
      this.#scram = new Scram(mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512', user, password);
    }
    this.#broker = connect(target, '127.0.0.1');
    for (const [one, other] of [
      [client, this.#broker],
      [this.#broker, client],
    ] as const) {
      one.setNoDelay(true).on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
    this.#broker.on('data', (chunk: Buffer) => client.write(chunk));
    client.on('data', (chunk: Buffer) => this.#heard(chunk));
  }

  #heard(chunk: Buffer): void {
    if (this.#isIn) {
      this.#broker.write(chunk);
      return;
    }
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (!this.#isIn && this.#bytes.length >= 4) {
      const size = this.#bytes.readInt32BE(0) + 4;
      if (this.#bytes.length < size) return;
      const frame = this.#bytes.subarray(0, size);
      this.#bytes = this.#bytes.subarray(size);
      this.#request(frame);
    }
    if (this.#isIn && this.#bytes.length > 0) this.#broker.write(this.#bytes);
  }

  #request(frame: Buffer): void {
    const key = frame.readInt16BE(4);
    const version = frame.readInt16BE(6);
    const correlation = frame.subarray(8, 12);
    const rest = frame.subarray(14 + Math.max(0, frame.readInt16BE(12)));
    if (key === API_VERSIONS) this.#broker.write(frame);
    else if (key === HANDSHAKE) this.#handshake(correlation, rest);
    else if (key === AUTHENTICATE && version === 2) this.#authenticate(correlation, rest);
    else this.#client.destroy();
  }

  #handshake(correlation: Buffer, rest: Buffer): void {
    const asked = rest.subarray(2, 2 + rest.readInt16BE(0)).toString();
    const code = asked === this.#rules.mechanism ? 0 : UNSUPPORTED_MECHANISM;
    const offered = [int32(1), int16(this.#rules.mechanism.length), this.#rules.mechanism];
    this.#answer([correlation, int16(code), ...offered]);
  }

  /** Of the flexible version 2: lengths are one more than they are, and tags end the parts. */
  #authenticate(correlation: Buffer, rest: Buffer): void {
    const [length, at] = varint(rest, 1);
    const said = rest.subarray(at, at + length - 1).toString();
    const answer = this.#judged(said);
    const code = answer === undefined ? FAILED : 0;
    const text = code === 0 ? [Buffer.from([0])] : [compact('Authentication failed')];
    this.#answer([
      correlation,
      Buffer.from([0]),
      int16(code),
      ...text,
      compact(answer?.text ?? ''),
      Buffer.alloc(8),
      Buffer.from([0]),
    ]);
    this.#isIn = answer?.isOver === true;
  }

  /** Undefined if it is refused. */
  #judged(said: string): { readonly text: string; readonly isOver: boolean } | undefined {
    const { mechanism, user, password, token } = this.#rules;
    if (this.#scram !== undefined) return this.#scram.heard(said);
    const wanted =
      mechanism === 'PLAIN'
        ? `\0${user}\0${password}`
        : `n,,\u0001auth=Bearer ${token}\u0001\u0001`;
    return said === wanted ? { text: '', isOver: true } : undefined;
  }

  #answer(parts: readonly (Buffer | string)[]): void {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
    this.#client.write(Buffer.concat([int32(body.length), body]));
  }
}

/** The server's side of RFC 5802. */
class Scram {
  readonly #hash: 'sha256' | 'sha512';
  readonly #user: string;
  readonly #salted: Buffer;
  readonly #salt = randomBytes(16);
  #first = '';
  #nonce = '';

  constructor(hash: 'sha256' | 'sha512', user: string, password: string) {
    this.#hash = hash;
    this.#user = user;
    const size = hash === 'sha256' ? 32 : 64;
    this.#salted = pbkdf2Sync(password, this.#salt, 4_096, size, hash);
  }

  heard(said: string): { readonly text: string; readonly isOver: boolean } | undefined {
    if (this.#nonce === '') {
      const bare = said.replace(/^n,,/, '');
      const [, user, nonce] = /^n=([^,]*),r=(.+)$/.exec(bare) ?? [];
      if (user !== this.#user || nonce === undefined) return undefined;
      this.#nonce = nonce + randomBytes(12).toString('hex');
      const text = `r=${this.#nonce},s=${this.#salt.toString('base64')},i=4096`;
      this.#first = `${bare},${text}`;
      return { text, isOver: false };
    }
    const [, without = '', proof = ''] = /^(.*),p=(.+)$/.exec(said) ?? [];
    const signed = `${this.#first},${without}`;
    const key = this.#sign(this.#salted, 'Client Key');
    const stored = createHash(this.#hash).update(key).digest();
    const signature = this.#sign(stored, signed);
    const wanted = Buffer.from(key.map((byte, n) => byte ^ (signature[n] ?? 0)));
    if (!wanted.equals(Buffer.from(proof, 'base64'))) return undefined;
    const own = this.#sign(this.#sign(this.#salted, 'Server Key'), signed);
    return { text: `v=${own.toString('base64')}`, isOver: true };
  }

  #sign(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest();
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A number of up to 14 bits, and where it ends. */
function varint(bytes: Buffer, at: number): readonly [value: number, end: number] {
  const low = bytes[at] ?? 0;
  return low < 128 ? [low, at + 1] : [(low & 127) | ((bytes[at + 1] ?? 0) << 7), at + 2];
}

function compact(text: string): Buffer {
  const size = Buffer.byteLength(text) + 1;
  const length = size < 128 ? [size] : [(size & 127) | 128, size >> 7];
  return Buffer.concat([Buffer.from(length), Buffer.from(text)]);
}
