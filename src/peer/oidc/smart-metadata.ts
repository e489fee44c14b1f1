import type * as client from 'openid-client';
import { timerTime } from '../../time/timer.ts';
import type { ProviderFetch } from '../provider-fetch.ts';
import { OidcProblem } from './oidc-problem.ts';

interface SmartServer {
  /** The base address of the FHIR server. */
  readonly issuer: string;
  readonly ask: ProviderFetch;
}

/** By which algorithms identity tokens may be signed: this document does not say it, and a public key must be needed for each. */
const SIGNED_BY = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const ENDPOINTS = ['authorization_endpoint', 'token_endpoint', 'revocation_endpoint', 'jwks_uri'];

/**
 * What a FHIR server says of its authorization server (SMART App Launch 2, `.well-known/smart-configuration`). Rejects with an
 * OidcProblem for what an app cannot work with, and with the error of the request.
 */
export async function smartMetadata(
  { issuer: base, ask }: SmartServer,
  timeout: number,
): Promise<client.ServerMetadata> {
  const asked = `${base.replace(/\/+$/, '')}/.well-known/smart-configuration`;
  const told = await document(asked, ask, timeout);
  if (typeof told['issuer'] !== 'string') {
    throw unusable(
      `${asked} names no issuer, so nobody can be signed in by it`,
      'Have OpenID Connect (sso-openid-connect) switched on for the app',
    );
  }
  for (const name of ['authorization_endpoint', 'token_endpoint']) {
    if (typeof told[name] === 'string') continue;
    throw unusable(
      `${asked} names no ${name}`,
      'Launches are switched off there, or fhir is wrong',
    );
  }
  const methods = told['code_challenge_methods_supported'];
  // servers of SMART 1 say nothing of it, and pass over what they do not know
  if (Array.isArray(methods) && !methods.includes('S256')) {
    throw unusable(`${asked} does not offer PKCE with S256`, 'Have it switched on there');
  }
  const all = typeof told['jwks_uri'] === 'string' ? told : { ...told, ...(await keysOf()) };
  const wrong = ENDPOINTS.find((name) => all[name] !== undefined && !isFit(all[name], base));
  if (wrong !== undefined) {
    throw unusable(`${asked} names a ${wrong} that is not an https address`, CORRECT);
  }
  return {
    id_token_signing_alg_values_supported: SIGNED_BY,
    ...all,
  } as unknown as client.ServerMetadata;

  /** Where the keys of identity tokens are, if only OpenID Connect's own document says it. */
  async function keysOf(): Promise<Record<string, unknown>> {
    const issuer = String(told['issuer']).replace(/\/+$/, '');
    const at = `${issuer}/.well-known/openid-configuration`;
    if (!isFit(at, base))
      throw unusable(`${asked} has an issuer that is no https address`, CORRECT);
    const { jwks_uri: keys } = await document(at, ask, timeout);
    if (typeof keys === 'string') return { jwks_uri: keys };
    throw unusable(`${at} names no jwks_uri`, CORRECT);
  }
}

const CORRECT = 'Have it corrected';

/** Over TLS, unless the FHIR server itself is reached without. */
const isFit = (given: unknown, base: string): boolean => {
  const url = URL.parse(String(given));
  return url !== null && (url.protocol === 'https:' || url.protocol === new URL(base).protocol);
};

async function document(
  url: string,
  ask: ProviderFetch,
  timeout: number,
): Promise<Record<string, unknown>> {
  const answer = await ask(url, {
    headers: { accept: 'application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(timerTime(timeout)),
  });
  const text = await answer.text();
  if (answer.status !== 200) {
    const isAway = answer.status >= 500 || answer.status === 429;
    throw new OidcProblem({
      kind: isAway ? 'away' : 'refused',
      why: `${url} answered ${answer.status}`,
      remedy: isAway
        ? 'wait until the EHR is there again'
        : 'compare fhir with the base address of the EHR’s FHIR server',
    });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // SyntaxError: a page of something in between
  }
  throw unusable(`${url} is no JSON object`, 'Compare fhir with the address of the FHIR server');
}

const unusable = (why: string, remedy: string): OidcProblem =>
  new OidcProblem({ kind: 'refused', why, remedy });
