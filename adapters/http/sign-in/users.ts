import { createHash } from 'node:crypto';
import { EngineError, type SignInTools } from 'waybill/adapter';

/** A user of a service as its table says now. */
export interface User {
  readonly claims: Readonly<Record<string, unknown>>;
  /** Changes with the password, and says nothing of it. */
  readonly proof: string;
}

/** Claims that a table cannot set: they are ours. */
const OWN: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid']);

/** The hash of a random password that nobody has, with the usual cost. */
const NOBODY =
  '$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5IGhhcyB0aGlz$Hn6n6n8rWq3nqfJ6b0l1h8cS0v2b1g4m5o6p7q8r9s0';

/** The users of a code table: each a hash, or a JSON object with one. */
export class TableUsers {
  readonly #tools: Pick<SignInTools, 'isPassword' | 'lookup'>;
  readonly #table: string;

  constructor(tools: Pick<SignInTools, 'isPassword' | 'lookup'>, table: string) {
    this.#tools = tools;
    this.#table = table;
  }

  /** The user with this password; undefined for anybody else, after the same time. */
  async signedIn(name: string, password: string): Promise<User | undefined> {
    const entry = this.#entry(name);
    const isRight = await this.#tools.isPassword(password, entry?.password ?? NOBODY);
    return isRight && entry !== undefined ? userOf(entry) : undefined;
  }

  /** The user as the table says now; undefined for one who may no longer sign in. */
  now(name: string): User | undefined {
    const entry = this.#entry(name);
    return entry && userOf(entry);
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
    return entry?.['disabled'] === true ? undefined : { ...entry, password };
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

function userOf({ password, disabled: _, ...claims }: Entry): User {
  const own = Object.entries(claims).filter(([name]) => !OWN.has(name));
  const proof = createHash('sha256').update(password).digest('base64url').slice(0, 22);
  return { claims: Object.fromEntries(own), proof };
}
