import type { Lent } from '../../adapter/adapter.ts';
import type { Grant } from '../../adapter/grants.ts';
import type * as setting from '../../adapter/setting.ts';
import type { SignInTools } from '../../adapter/sign-in-tools.ts';
import type { DirectoryValues } from './directory-settings.ts';
import { DirectoryUsers } from './directory-users.ts';
import type { User, Users } from './user.ts';
import { TableUsers } from './users.ts';

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
