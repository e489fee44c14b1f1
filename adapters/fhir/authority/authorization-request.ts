import { Refusal } from 'waybill/peer/http-server';
import type { AuthorityClient } from './authority-settings.ts';
import type { Clients } from './clients.ts';
import { grantedScopes, scopeList } from './granted-scopes.ts';

/** What an application asks for in a person's browser, once it is known where the answer goes. */
export interface AuthorizationRequest {
  readonly client: string;
  readonly title: string;
  readonly redirect: string;
  readonly state: string;
  readonly scopes: readonly string[];
  readonly challenge: string;
  readonly nonce: string | undefined;
  readonly launch: string | undefined;
}

/** An error that goes back to the application with the browser (RFC 6749, 4.1.2.1). */
export class AuthorizationError extends Error {
  override readonly name = 'AuthorizationError';
  readonly error: string;
  readonly to: Pick<AuthorizationRequest, 'redirect' | 'state'>;

  constructor(error: string, description: string, to: AuthorizationError['to']) {
    super(description);
    this.error = error;
    this.to = to;
  }
}

/** Where the browser goes with an answer. */
export function answerUrl(
  { redirect, state }: AuthorizationError['to'],
  answer: Readonly<Record<string, string>>,
): string {
  const url = new URL(redirect);
  for (const [name, value] of Object.entries({ ...answer, state })) {
    url.searchParams.set(name, value);
  }
  return url.href;
}

/** S256 of a verifier. */
const CHALLENGE = /^[\w-]{43}$/;
const LONGEST = 2_000;

/**
 * Reads a request. Throws the Refusal of one whose answer must not go anywhere, as it is not certain whose it is, and
 * the AuthorizationError of any other that cannot be served.
 */
export function authorizationRequest(
  query: URLSearchParams,
  clients: Pick<Clients, 'find'>,
  base: string,
): AuthorizationRequest {
  const client = clients.find(query.get('client_id'));
  if (client === undefined) throw stranger('The application is not known here (client_id).');
  const redirect = query.get('redirect_uri') ?? '';
  if (!client.redirects.some(({ href }) => href === redirect || href === `${redirect}/`)) {
    throw stranger(
      'The application wants to be answered at an address (redirect_uri) that is not under redirects of this client, letter by letter.',
    );
  }
  const to = { redirect, state: query.get('state') ?? '' };
  checkForm(query, to, base);
  const scopes = scopesOf(query, client);
  if (scopes.length === 0) {
    const text = 'none of the scopes may be given to this application';
    throw new AuthorizationError('invalid_scope', text, to);
  }
  return {
    ...to,
    client: client.id,
    title: client.title ?? client.id,
    scopes,
    challenge: query.get('code_challenge') ?? '',
    nonce: query.get('nonce')?.slice(0, LONGEST),
    launch: query.get('launch') ?? undefined,
  };
}

const stranger = (text: string): Refusal =>
  new Refusal(400, text, {
    told: `a request to let an application in was refused: ${text.slice(0, -1)}`,
  });

function checkForm(query: URLSearchParams, to: AuthorizationError['to'], base: string): void {
  const wrong = (error: string, text: string): AuthorizationError =>
    new AuthorizationError(error, text, to);
  const twice = [...new Set(query.keys())].find((name) => query.getAll(name).length > 1);
  if (twice !== undefined) throw wrong('invalid_request', 'a parameter is there twice');
  if (query.get('response_type') !== 'code') {
    throw wrong('unsupported_response_type', 'only code is given');
  }
  if (to.state === '' || to.state.length > LONGEST) {
    throw wrong('invalid_request', 'state is missing or too long');
  }
  if (query.get('code_challenge_method') !== 'S256') {
    throw wrong('invalid_request', 'code_challenge_method must be S256 (PKCE)');
  }
  if (!CHALLENGE.test(query.get('code_challenge') ?? '')) {
    throw wrong('invalid_request', 'code_challenge is missing or not that of a verifier');
  }
  if (query.get('aud')?.replace(/\/$/, '') !== base) {
    throw wrong('invalid_request', `aud must be ${base}`);
  }
}

function scopesOf(query: URLSearchParams, { scopes }: AuthorityClient): readonly string[] {
  const asked = scopeList((query.get('scope') ?? '').slice(0, 4 * LONGEST));
  // what is not for people is not given by them
  return grantedScopes(asked, scopes).filter((one) => !one.startsWith('system/'));
}
