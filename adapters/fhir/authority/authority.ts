import type { TokenVerifier } from 'waybill/adapter';
import {
  type Caller,
  type CallerValues,
  type HttpReply,
  type Incoming,
  Refusal,
  type RequestBody,
} from 'waybill/peer/http-server';
import { pageLanguage, refusalPage } from 'waybill/peer/sign-in';
import type { AuthorityValues } from './authority-settings.ts';
import { type AuthorityLent, Authorization } from './authorization.ts';
import { Clients } from './clients.ts';
import { OAuthError, oauthReply } from './oauth-error.ts';
import { People } from './people.ts';
import { type Held, heldBy, Tokens } from './tokens.ts';

/** Requests are short; a sealed one with its scopes is the longest. */
const LIMIT = 65_536;
/** A code is exchanged at once. */
const CODE = 60_000;

/** As whom the facade knows callers with tokens of its own server. */
const OWN = '(this server)';

export const ownCaller: CallerValues = {
  kind: 'bearer',
  scheme: undefined,
  credentials: [],
  verifier: OWN,
  audience: [],
  scopeClaim: undefined,
  grants: [],
  from: [],
  signatureHeader: '',
  timestampHeader: undefined,
  tolerance: 0,
};

/** The authorization server of one FHIR server: SMART App Launch and Backend Services. */
export class Authority {
  readonly #clients: Clients;
  readonly #authorization: Authorization;
  readonly #tokens: Tokens;
  readonly #base: string;
  readonly #keys: () => Promise<readonly object[]>;

  constructor(lent: AuthorityLent, values: AuthorityValues, base: string) {
    const { host, signIn } = lent;
    this.#base = base;
    const { idle, absolute, grace, accessLifetime } = values;
    const people = new People(lent, values, base);
    const codes = signIn.grants(`${host}-codes`, { idle: CODE, absolute: CODE, grace: 0 });
    const short = { idle: accessLifetime, absolute: accessLifetime + CODE, grace: 0 };
    const grants = {
      short: signIn.grants(`${host}-access`, short),
      long: signIn.grants(`${host}-refresh`, { idle, absolute, grace }),
    };
    const clients = new Clients(lent, values.clients, {
      audience: [`${base}/auth/token`, base],
      grants: codes,
    });
    this.#clients = clients;
    this.#authorization = new Authorization(lent, { values, clients, codes, people, base });
    this.#tokens = new Tokens(lent, { values, codes, grants, people, base });
    this.#keys = () => signIn.keys.published(values.key);
  }

  /** Tokens of this server are checked by itself. */
  verifier(name: string, others: (name: string) => Promise<TokenVerifier>): Promise<TokenVerifier> {
    return name === OWN ? Promise.resolve(this.#tokens.verifier) : others(name);
  }

  /** The sign-in that a token of this server belongs to; undefined for a token of another one. */
  grantOf(claims: Caller['claims']): Held | undefined {
    return claims?.['iss'] === this.#base ? heldBy(claims) : undefined;
  }

  /** Whether an application is among those it lets in. */
  knows(client: string): boolean {
    return this.#tokens.knows(client);
  }

  /** Whether somebody may still read and search all resources of these types; `isWhole` asks for the person, too. */
  mayStill(
    of: Held & { readonly subject: string },
    types: readonly string[],
    isWhole: boolean,
  ): Promise<boolean> {
    return this.#tokens.mayStill(of, types, isWhole);
  }

  /** The answer to a request below the base address; undefined for what is not its own. `refused` tells operators. */
  async answer(
    below: string,
    incoming: Incoming,
    { body, refused }: { readonly body: RequestBody; readonly refused: (error: Refusal) => void },
  ): Promise<HttpReply | undefined> {
    const asked = `${incoming.method} ${below}`;
    try {
      if (asked === 'GET auth/authorize') return await this.#authorization.begin(incoming);
      if (asked === 'GET auth/callback') return await this.#authorization.callback(incoming);
      if (asked === 'GET auth/jwks.json') return jwks(await this.#keys());
      if (!POSTED.has(asked)) return undefined;
      const form = await formOf(incoming, body);
      if (asked === 'POST auth/backchannel-logout') return await this.#tokens.signedOut(form);
      if (asked === 'POST auth/authorize') return await this.#authorization.decided(incoming, form);
      return await this.#toApplication(asked, incoming, form);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refused(error);
      if (error instanceof OAuthError) return oauthReply(error);
      return refusalPage(error, { language: pageLanguage(incoming.headers) });
    }
  }

  async #toApplication(
    asked: string,
    incoming: Incoming,
    form: URLSearchParams,
  ): Promise<HttpReply> {
    if (asked === 'POST auth/token' && isNameless(incoming, form)) {
      return this.#tokens.refreshed(form, (id) => this.#clients.isPublic(id));
    }
    const client = await this.#clients.authenticated(incoming, form);
    const token = form.get('token') ?? '';
    if (asked === 'POST auth/token') return this.#tokens.answer(client, form);
    if (asked === 'POST auth/introspect') return this.#tokens.introspected(client, token);
    return this.#tokens.revoked(client, token);
  }
}

/** A public application need not say its name with a refresh token (RFC 6749, 3.2.1), and fhirclient does not. */
const isNameless = ({ headers }: Incoming, form: URLSearchParams): boolean =>
  form.get('grant_type') === 'refresh_token' &&
  headers.authorization === undefined &&
  !form.has('client_id') &&
  !form.has('client_assertion');

const POSTED: ReadonlySet<string> = new Set([
  'POST auth/authorize',
  'POST auth/backchannel-logout',
  'POST auth/token',
  'POST auth/introspect',
  'POST auth/revoke',
]);

async function formOf({ headers }: Incoming, body: RequestBody): Promise<URLSearchParams> {
  if (body.length === undefined || body.length > LIMIT) {
    throw new OAuthError('invalid_request', 'the form is too long, or its length is not told', 413);
  }
  const [type = ''] = (headers['content-type'] ?? '').toLowerCase().split(';');
  if (type.trim() !== 'application/x-www-form-urlencoded') {
    throw new OAuthError('invalid_request', 'send a form (application/x-www-form-urlencoded)');
  }
  const form = new URLSearchParams((await body.bytes()).toString('utf8'));
  const isTwice = [...new Set(form.keys())].some((name) => form.getAll(name).length > 1);
  if (isTwice) throw new OAuthError('invalid_request', 'a parameter is there twice');
  return form;
}

const jwks = (keys: readonly object[]): HttpReply => ({
  status: 200,
  headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' },
  body: JSON.stringify({ keys }),
});
