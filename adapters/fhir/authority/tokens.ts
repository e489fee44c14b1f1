import { createHash } from 'node:crypto';
import { EngineError, type Grant, type Grants, type TokenVerifier } from 'waybill/adapter';
import { isSameSecret } from 'waybill/peer/basics';
import type { HttpReply } from 'waybill/peer/http-server';
import { maySubscribe } from '../smart-scope.ts';
import type { AuthorityClient, AuthorityValues } from './authority-settings.ts';
import type { Allowed, AuthorityLent, CodeClaims } from './authorization.ts';
import { grantedScopes, personScopes, scopeList } from './granted-scopes.ts';
import { OAuthError } from './oauth-error.ts';
import type { People } from './people.ts';

/** What is kept with the sign-in of an application. */
interface Kept extends Allowed {
  /** The code that it began with: if that comes again, it ends. */
  readonly code?: string | undefined;
  readonly kept?: Readonly<Record<string, unknown>> | undefined;
}

/** Tokens that last as long as an access token, or as long as they are refreshed. */
type Lasting = 'short' | 'long';

export interface TokensOptions {
  readonly values: AuthorityValues;
  readonly codes: Grants;
  readonly grants: Readonly<Record<Lasting, Grants>>;
  readonly people: People;
  readonly base: string;
}

/** Gives tokens for codes, refresh tokens and the keys of backend services, and says what they are worth. */
export class Tokens {
  readonly #lent: AuthorityLent;
  readonly #parts: TokensOptions;

  constructor(lent: AuthorityLent, parts: TokensOptions) {
    this.#lent = lent;
    this.#parts = parts;
  }

  /** Takes access tokens of this server that have not been revoked. */
  get verifier(): TokenVerifier {
    const { key } = this.#parts.values;
    return {
      verify: async (token) => {
        const { base: audience } = this.#parts;
        const claims = await this.#lent.signIn.keys.verify(key, token, {
          audience,
          issuer: audience,
        });
        if ((await this.#grantOf(claims)) !== undefined) return claims;
        throw new EngineError(
          'CREDENTIAL_REFUSED',
          `credential ${key}: the token was revoked. Let the application in again.`,
        );
      },
    };
  }

  answer(client: AuthorityClient, form: URLSearchParams): Promise<HttpReply> {
    const type = form.get('grant_type');
    if (type === 'authorization_code') return this.#byCode(client, form);
    if (type === 'refresh_token') return this.refreshed(form, (id) => id === client.id);
    if (type === 'client_credentials') return this.#forItself(client, form);
    const text = 'grant_type must be authorization_code, refresh_token or client_credentials';
    throw new OAuthError('unsupported_grant_type', text);
  }

  async #byCode(client: AuthorityClient, form: URLSearchParams): Promise<HttpReply> {
    const taken = await this.#parts.codes.rotate(form.get('code') ?? '');
    if ('refused' in taken) {
      if (taken.refused === 'reused' && taken.grant !== undefined) await this.#stolen(taken.grant);
      throw new OAuthError('invalid_grant', 'the code is not known, too old, or was used before');
    }
    const { grant } = taken;
    const code = grant.claims as unknown as CodeClaims;
    const made = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (code.client !== client.id) throw mismatch('it was given to another application');
    if (code.redirect !== form.get('redirect_uri')) throw mismatch('redirect_uri is another one');
    if (!isSameSecret(code.challenge, made)) throw mismatch('code_verifier does not belong to it');
    const { scope, patient, encounter, fhirUser, kept, nonce } = code;
    const allowed: Kept = {
      client: client.id,
      scope,
      patient,
      encounter,
      fhirUser,
      kept,
      code: grant.id,
    };
    return this.#issued(grant.subject, allowed, { nonce });
  }

  /** A code that comes a second time is a thief's, or a thief had the first. */
  async #stolen({ id, subject }: Grant): Promise<void> {
    const { grants } = this.#parts;
    const isOfCode = ({ claims }: Grant): boolean => claims['code'] === id;
    await Promise.all([grants.short.endWhere(isOfCode), grants.long.endWhere(isOfCode)]);
    const who = ` It is that of ${subject}.`;
    const text = `A code came a second time: it may be stolen, so the tokens for it were revoked.${who}`;
    this.#lent.event('warn', 'sign-in-reused', text, who);
  }

  #reused(subject: string): void {
    const who = ` It is that of ${subject}.`;
    const text = `A refresh token of an application came a second time: it may be stolen, so its tokens were revoked.${who}`;
    this.#lent.event('warn', 'sign-in-reused', text, who);
  }

  async #issued(
    subject: string,
    allowed: Kept,
    { nonce }: { readonly nonce?: string | undefined } = {},
  ): Promise<HttpReply> {
    const lasts: Lasting = scopeList(allowed.scope).includes('offline_access') ? 'long' : 'short';
    const issued = await this.#parts.grants[lasts].begin({ subject, claims: { ...allowed } });
    const refresh = lasts === 'long' ? issued.refreshToken : undefined;
    return this.#told({ grant: issued.grant, allowed, lasts }, { refresh, nonce });
  }

  /** `isOf` says whether the token may be that of an application, by its id. */
  async refreshed(form: URLSearchParams, isOf: (client: string) => boolean): Promise<HttpReply> {
    const { grants, people } = this.#parts;
    const rotated = await grants.long.rotate(form.get('refresh_token') ?? '');
    if ('refused' in rotated) {
      if (rotated.refused === 'reused') this.#reused(rotated.grant?.subject ?? 'somebody');
      throw new OAuthError('invalid_grant', `the refresh token is ${rotated.refused}`);
    }
    const { grant, refreshToken: refresh } = rotated;
    const allowed = grant.claims as unknown as Kept;
    const { subject, id } = grant;
    const user = await people.now({ subject, claims: allowed.kept ?? {} });
    if (!isOf(allowed.client) || user === undefined) {
      await grants.long.end({ id });
      throw mismatch('it is that of another application, or of a person who may no longer sign in');
    }
    const now = personScopes(scopeList(allowed.scope), user.claims['scope']);
    const asked = form.get('scope');
    const scopes = asked === null ? now : grantedScopes(scopeList(asked), now);
    if (scopes.length === 0) throw new OAuthError('invalid_scope', 'none of it was granted');
    const narrowed = { ...allowed, scope: scopes.join(' ') };
    return this.#told({ grant, allowed: narrowed, lasts: 'long' }, { refresh });
  }

  async #forItself(client: AuthorityClient, form: URLSearchParams): Promise<HttpReply> {
    if (!client.backend) {
      throw new OAuthError('unauthorized_client', 'this application is no backend service');
    }
    const asked = scopeList(form.get('scope') ?? '').filter((one) => one.startsWith('system/'));
    const scopes = grantedScopes(asked, client.scopes);
    if (scopes.length === 0) {
      throw new OAuthError('invalid_scope', 'it may have none of these scopes of system/');
    }
    return this.#issued(client.id, { client: client.id, scope: scopes.join(' ') });
  }

  async #told(
    given: { readonly grant: Grant; readonly allowed: Kept; readonly lasts: Lasting },
    {
      refresh,
      nonce,
    }: { readonly refresh?: string | undefined; readonly nonce?: string | undefined },
  ): Promise<HttpReply> {
    const { values, base } = this.#parts;
    const { grant, allowed, lasts } = given;
    const { client, scope, patient, encounter, fhirUser } = allowed;
    const { subject } = grant;
    const { keys } = this.#lent.signIn;
    const lifetime = values.accessLifetime;
    const scopes = scopeList(scope);
    const who = scopes.includes('fhirUser') && { fhirUser };
    const access = await keys.sign(
      values.key,
      { client_id: client, scope, patient, encounter, ...who, sid: grant.id, lasts },
      { subject, lifetime, audience: base, issuer: base },
    );
    const identity = scopes.includes('openid')
      ? await keys.sign(
          values.key,
          { nonce, ...who },
          { subject, lifetime, audience: client, issuer: base },
        )
      : undefined;
    return json({
      access_token: access,
      token_type: 'Bearer',
      expires_in: Math.ceil(lifetime / 1_000),
      scope,
      patient,
      encounter,
      ...(patient !== undefined && { need_patient_banner: true }),
      id_token: identity,
      refresh_token: refresh,
    });
  }

  /** RFC 7662: what a token is worth, for another resource server. */
  async introspected({ introspects }: AuthorityClient, token: string): Promise<HttpReply> {
    if (!introspects)
      throw new OAuthError('unauthorized_client', 'it may not ask about tokens', 403);
    const claims = await this.#known(token);
    if (claims === undefined) return json({ active: false });
    const { lasts: _, sid: __, ...told } = claims;
    return json({ ...told, active: true, token_type: 'Bearer' });
  }

  /** RFC 7009. One that is not known is as good as revoked. */
  async revoked({ id: client }: AuthorityClient, token: string): Promise<HttpReply> {
    const { grants } = this.#parts;
    const claims = token.split('.').length === 3 ? await this.#known(token) : undefined;
    if (claims === undefined) await grants.long.end({ token });
    else if (claims['client_id'] === client) {
      await grants[lastingOf(claims)].end({ id: String(claims['sid']) });
    }
    return { status: 200, headers: {}, body: '' };
  }

  /** The provider says who has signed out there (OpenID Connect Back-Channel Logout): their applications are out, too. */
  async signedOut(form: URLSearchParams): Promise<HttpReply> {
    const { grants, people } = this.#parts;
    const isOut = await people.signedOut(form.get('logout_token') ?? '');
    const isOfThem = ({ claims }: Grant): boolean => isOut((claims as unknown as Kept).kept ?? {});
    await Promise.all([grants.short.endWhere(isOfThem), grants.long.endWhere(isOfThem)]);
    return { status: 200, headers: { 'cache-control': 'no-store' }, body: '' };
  }

  knows(client: string): boolean {
    return this.#parts.values.clients.some((one) => one?.id === client);
  }

  /** Whether the sign-in lasts, its application is still there, and both may read and search all of these types. */
  async mayStill(
    { subject, id, client: named, lasts }: Held & { readonly subject: string },
    types: readonly string[],
    isWhole: boolean,
  ): Promise<boolean> {
    const { values, grants, people } = this.#parts;
    const client = values.clients.find((one) => one?.id === named);
    if (client === undefined) return false;
    const permit = (scopes: readonly string[]): boolean =>
      types.every((type) => maySubscribe(scopes, type, { isSmart: true }));
    // its tokens are short, and it may have the next one at any time
    if (client.backend && subject === client.id) return permit(client.scopes);
    const grant = await grants[lasts].find(id);
    if (grant === undefined) return false;
    if (!isWhole) return true;
    const { kept = {}, scope } = grant.claims as unknown as Kept;
    const user = await people.now({ subject, claims: kept });
    if (user === undefined) return false;
    const scopes = grantedScopes(scopeList(scope), client.scopes);
    return permit(personScopes(scopes, user.claims['scope']));
  }

  async #known(token: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    try {
      return await this.verifier.verify(token);
    } catch (error) {
      if (error instanceof EngineError && error.code === 'CREDENTIAL_REFUSED') return undefined;
      throw error;
    }
  }

  async #grantOf(claims: Readonly<Record<string, unknown>>): Promise<Grant | undefined> {
    const { sid } = claims;
    return typeof sid === 'string' ? this.#parts.grants[lastingOf(claims)].find(sid) : undefined;
  }
}

/** A sign-in of an application, as its tokens name it. */
export interface Held {
  readonly id: string;
  readonly client: string;
  readonly lasts: Lasting;
}

export function heldBy(claims: Readonly<Record<string, unknown>>): Held | undefined {
  const { sid, client_id: client } = claims;
  if (typeof sid !== 'string' || typeof client !== 'string') return undefined;
  return { id: sid, client, lasts: lastingOf(claims) };
}

const lastingOf = ({ lasts }: Readonly<Record<string, unknown>>): Lasting =>
  lasts === 'long' ? 'long' : 'short';

const mismatch = (why: string): OAuthError => new OAuthError('invalid_grant', why);

const json = (value: unknown): HttpReply => ({
  status: 200,
  headers: { 'content-type': 'application/json', pragma: 'no-cache' },
  body: JSON.stringify(value),
});
