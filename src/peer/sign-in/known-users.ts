import { createHash } from 'node:crypto';
import type { Lent } from '../../adapter/adapter.ts';
import type { Grant } from '../../adapter/grants.ts';
import type * as setting from '../../adapter/setting.ts';
import type { SignInTools } from '../../adapter/sign-in-tools.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { DirectoryValues } from './directory-settings.ts';
import { DirectoryUsers } from './directory-users.ts';
import { ownClaims, type User, type Users } from './user.ts';

/** The hash of a random password that nobody has, with the usual cost. */
const NOBODY =
  '$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5IGhhcyB0aGlz$Hn6n6n8rWq3nqfJ6b0l1h8cS0v2b1g4m5o6p7q8r9s0';

const HASH = /^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[\w+/]+\$[\w+/]+$/;

/** The users of a code table: each a hash, or a JSON object with one. */
class TableUsers implements Users {
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
    if (typeof password !== 'string' || !HASH.test(password)) {
      throw new EngineError(
        'CREDENTIAL_MISSING',
        `the table ${this.#table} does not hold a password hash, or an object with one, for a user who tried to sign in. Make one with \`waybill user hash\`; in a CSV file it stands in quotes, since it has commas`,
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

/** Kept with a sign-in by a password: which one, by what it was checked, and what was typed and known then. */
const PROOF = 'waybill:password';
const VIA = 'waybill:via';
const TYPED = 'waybill:typed';
const CLAIMS = 'waybill:claims';

type LentHere = Pick<Lent<setting.Settings>, 'credential' | 'signal'> & {
  readonly signIn: SignInTools;
};

/** Somebody who has proven who they are, and what is kept with their sign-in. */
interface Found {
  readonly known: User;
  readonly kept: Grant['claims'];
}

/** The users with passwords of a service: of a code table, then of a directory. */
export class KnownUsers {
  readonly #users: readonly Users[];

  constructor(
    lent: LentHere,
    {
      users,
      ldap,
    }: { readonly users: string | undefined; readonly ldap: DirectoryValues | undefined },
  ) {
    this.#users = [
      ...(users === undefined ? [] : [new TableUsers(lent.signIn, users)]),
      ...(ldap === undefined ? [] : [new DirectoryUsers(lent, ldap)]),
    ];
  }

  /** A name that is known to one is not looked for at the next. */
  async signedIn(name: string, password: string): Promise<Found | undefined> {
    for (const users of this.#users) {
      const found = await users.signedIn(name, password);
      if (found === 'wrong') return undefined;
      if (found === 'unknown') continue;
      const { via } = users;
      const more = via === 'table' ? {} : { [TYPED]: name, [CLAIMS]: found.claims };
      return { known: found, kept: { [PROOF]: found.proof, [VIA]: via, ...more } };
    }
    return undefined;
  }

  /** The person of a sign-in as they are known now; undefined if they may no longer sign in. */
  async now({
    subject: name,
    claims,
  }: Pick<Grant, 'subject' | 'claims'>): Promise<User | undefined> {
    const { [PROOF]: proof, [VIA]: via = 'table', [TYPED]: typed = name, [CLAIMS]: known } = claims;
    const before = { name, claims: Object(known) as User['claims'], proof: String(proof) };
    const users = this.#users.find((one) => one.via === via);
    const now = await users?.now(String(typed), before);
    return now?.proof === proof ? now : undefined;
  }
}
