import type { Grant, Grants, IssuedGrant, Lent, SignInTools, setting } from 'waybill/adapter';
import { type HttpReply, type Incoming, Refusal } from 'waybill/peer/http-server';
import type { OidcAttempt, OidcClient } from 'waybill/peer/oidc';
import type { User } from 'waybill/peer/sign-in';
import {
  isSignedOutThere,
  neededClaims,
  type ProviderValues,
  providerClient,
  providerGrant,
  providerPerson,
  providerRefusal,
} from 'waybill/peer/sign-in';
import { AwayAndBack } from './away-and-back.ts';
import type { SignInValues } from './sign-in-settings.ts';

type LentHere = Pick<Lent<setting.Settings>, 'credential' | 'signal'> & {
  readonly signIn: SignInTools;
};

/** A sign-in that was sent to the provider and has not come back. */
interface Waiting {
  readonly attempt: OidcAttempt;
  /** Where the person goes afterwards. */
  readonly back: string;
}

/** What the desk lends to it. */
interface Desk {
  readonly realm: string;
  readonly grants: Grants;
  /** The cookies of a sign-in. */
  given(issued: IssuedGrant, user: User): Promise<readonly string[]>;
  /** The refresh token that the browser holds already. */
  held(incoming: Incoming): string | undefined;
}

/** Signs people in at the provider: out to it, back from it, and out of it. */
export class ProviderDesk {
  readonly #values: ProviderValues;
  readonly #desk: Desk;
  readonly #client: () => Promise<OidcClient>;
  readonly #way: AwayAndBack<Waiting>;

  constructor(lent: LentHere, settings: SignInValues, values: ProviderValues, desk: Desk) {
    const { keys } = lent.signIn;
    this.#values = values;
    this.#desk = desk;
    const { realm } = desk;
    this.#way = new AwayAndBack({ settings, keys, realm, purpose: 'begun', callback: 'callback' });
    this.#client = providerClient(lent, values, `${settings.path}/callback`);
  }

  /** Sends the browser to the provider. */
  async begin(incoming: Incoming): Promise<HttpReply> {
    const back = this.#way.backOf(incoming.query.get('back'));
    const redirect = this.#way.redirect(incoming);
    const { url, attempt } = await this.#asked((client) => client.start(redirect));
    return this.#way.leave(incoming, { url, state: attempt.state, waiting: { attempt, back } });
  }

  /** Takes the browser back from the provider, signed in. */
  callback(incoming: Incoming): Promise<HttpReply> {
    return this.#way.returned(incoming, async ({ attempt, back }) => ({
      to: back,
      cookies: await this.#signedIn(incoming, attempt),
    }));
  }

  async #signedIn(incoming: Incoming, attempt: OidcAttempt): Promise<readonly string[]> {
    const answer = new URL(attempt.redirect);
    answer.search = incoming.query.toString();
    const needed = neededClaims(this.#values);
    const answered = await this.#asked((client) => client.finish(answer, attempt, needed));
    const { user, kept } = providerPerson(answered, this.#values);
    const { grants } = this.#desk;
    const before = this.#desk.held(incoming);
    if (before !== undefined) await grants.end({ token: before });
    const issued = await grants.begin({ subject: user.name, claims: kept });
    return this.#desk.given(issued, user);
  }

  /** Where the browser goes to sign out at the provider too; undefined if that was none of its sign-ins. */
  async signOut({ claims }: Grant, incoming: Incoming): Promise<string | undefined> {
    const kept = providerGrant(claims);
    if (kept?.issuer !== this.#values.issuer.href) return undefined;
    try {
      const client = await this.#client();
      const url = await client.signOut(kept.idToken, `${this.#way.base(incoming)}/`);
      return url?.href;
    } catch (error) {
      // here the person is signed out all the same; a provider that is away cannot do it now
      if (providerRefusal(error) instanceof Refusal) return undefined;
      throw error;
    }
  }

  /** The provider says who has signed out there (OpenID Connect Back-Channel Logout). */
  async signedOut(token: unknown): Promise<HttpReply> {
    if (typeof token !== 'string') throw new Refusal(400, 'logout_token is missing.');
    const told = await this.#asked((client) => client.signedOut(token));
    await this.#desk.grants.endWhere(({ claims }) => isSignedOutThere(claims, this.#values, told));
    return { status: 200, headers: {}, body: '' };
  }

  async #asked<Value>(work: (client: OidcClient) => Promise<Value>): Promise<Value> {
    try {
      return await work(await this.#client());
    } catch (error) {
      throw providerRefusal(error);
    }
  }
}
