import { createHash } from 'node:crypto';
import type { SignInTools } from '../../adapter/sign-in-tools.ts';
import { EngineError } from '../../error/engine-error.ts';
import { ownClaims, type User, type Users } from './user.ts';

/** The hash of a random password that nobody has, with the usual cost. */
const NOBODY =
  '$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5IGhhcyB0aGlz$Hn6n6n8rWq3nqfJ6b0l1h8cS0v2b1g4m5o6p7q8r9s0';

/** The users of a code table: each a hash, or a JSON object with one. */
export class TableUsers implements Users {
  readonly via = 'table';
  readonly #tools: Pick<SignInTools, 'isPassword' | 'lookup'>;
  readonly #table: string;

  constructor(tools: Pick<SignInTools, 'isPassword' | 'lookup'>, table: string) {
    this.#tools = tools;
    this.#table = table;
  }

  /** Takes the same time for everybody. */
  async signedIn(name: string, password: string): Promise<User | 'wrong' | 'unknown'> {
    const entry = this.#entry(name);
    const isRight = await this.#tools.isPassword(password, entry?.password ?? NOBODY);
    if (entry === undefined) return 'unknown';
    return isRight && entry.disabled !== true ? userOf(name, entry) : 'wrong';
  }

  now(name: string): Promise<User | undefined> {
    const entry = this.#entry(name);
    return Promise.resolve(
      entry === undefined || entry.disabled === true ? undefined : userOf(name, entry),
    );
  }

  #entry(name: string): Entry | undefined {
    const value = this.#tools.lookup(this.#table, name);
    if (value === '') return undefined;
    const entry = value.startsWith('{') ? readEntry(value) : { password: value };
    const password = entry?.['password'];
    if (typeof password !== 'string' || !password.startsWith('$argon2id$')) {
      throw new EngineError(
        'CREDENTIAL_MISSING',
        `the table ${this.#table} does not hold a password hash, or an object with one, for a user who tried to sign in. Make one with \`waybill user hash\``,
      );
    }
    return { ...entry, password };
  }
}

interface Entry {
  readonly password: string;
  readonly disabled?: unknown;
  readonly [claim: string]: unknown;
}

function readEntry(value: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(value) as Readonly<Record<string, unknown>>;
  } catch {
    // SyntaxError, which quotes the value
    return undefined;
  }
}

function userOf(name: string, { password, disabled: _, ...claims }: Entry): User {
  const proof = createHash('sha256').update(password).digest('base64url').slice(0, 22);
  return { name, claims: ownClaims(claims), proof };
}
