import { type Incoming, Refusal } from 'waybill/peer/http-server';
import type { OidcAttempt, OidcClient } from 'waybill/peer/oidc';
import {
  isSignedOutThere,
  KnownUsers,
  neededClaims,
  type ProviderValues,
  providerClient,
  providerGrant,
  providerPerson,
  providerRefusal,
  type User,
} from 'waybill/peer/sign-in';
import type { AuthorityValues } from './authority-settings.ts';
import type { AuthorityLent } from './authorization.ts';

export interface Person {
  readonly user: User;
  /** By which they are recognized. */
  readonly kept: Readonly<Record<string, unknown>>;
}

interface Provider {
  readonly values: ProviderValues;
  readonly client: () => Promise<OidcClient>;
}

/** Who may let applications in: people with a password here, and those whom an OpenID provider signs in. */
export class People {
  readonly #users: KnownUsers;
  readonly #provider: Provider | undefined;
  readonly #callback: string;
  /** Whether anybody has a password here. */
  readonly hasPasswords: boolean;

  constructor(lent: AuthorityLent, values: AuthorityValues, base: string) {
    const { users, ldap, oidc, patientFrom } = values;
    this.#users = new KnownUsers(lent, values);
    this.#callback = `${base}/auth/callback`;
    this.hasPasswords = users !== undefined || ldap !== undefined;
    if (oidc === undefined) return;
    const own = { ...oidc, claims: [...new Set([...oidc.claims, 'fhirUser', patientFrom])] };
    this.#provider = { values: own, client: providerClient(lent, oidc, this.#callback) };
  }

  /** The host of the provider, for people. */
  get provider(): string | undefined {
    return this.#provider?.values.issuer.host;
  }

  async signedIn(name: string, password: string): Promise<Person | undefined> {
    if (!this.hasPasswords) return undefined;
    const found = await this.#users.signedIn(name, password);
    return found && { user: found.known, kept: found.kept };
  }

  /** Where to send a browser. Throws the Refusal of a provider that cannot be used. */
  start(): Promise<{ readonly url: URL; readonly attempt: OidcAttempt }> {
    return this.#asked((client) => client.start(this.#callback));
  }

  /** Who has come back from the provider. */
  async finished({ query }: Incoming, attempt: OidcAttempt): Promise<Person> {
    const { values } = this.#used();
    const answer = new URL(attempt.redirect);
    answer.search = query.toString();
    const needed = neededClaims(values);
    const told = await this.#asked((client) => client.finish(answer, attempt, needed));
    return providerPerson(told, values);
  }

  /** The person of a sign-in as they are known now; undefined if they may no longer sign in. */
  async now(grant: {
    readonly subject: string;
    readonly claims: Readonly<Record<string, unknown>>;
  }): Promise<User | undefined> {
    const told = providerGrant(grant.claims);
    if (told === undefined) return this.#users.now(grant);
    if (told.issuer !== this.#provider?.values.issuer.href) return undefined;
    return { name: grant.subject, claims: told.claims, proof: '' };
  }

  /** Which sign-ins, by what they kept, the provider has ended. */
  async signedOut(token: string): Promise<(kept: Readonly<Record<string, unknown>>) => boolean> {
    const { values } = this.#used();
    const told = await this.#asked((client) => client.signedOut(token));
    return (kept) => isSignedOutThere(kept, values, told);
  }

  #used(): Provider {
    if (this.#provider === undefined) throw new Refusal(404, 'There is no provider here.');
    return this.#provider;
  }

  async #asked<Value>(work: (client: OidcClient) => Promise<Value>): Promise<Value> {
    const { client } = this.#used();
    try {
      return await work(await client());
    } catch (error) {
      throw providerRefusal(error);
    }
  }
}
