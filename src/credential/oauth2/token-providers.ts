import type { CertificateFacts } from '../../adapter/certificate-facts.ts';
import type { FreshToken } from '../../adapter/credential.ts';
import { toldElsewhere } from '../../error/foreseen.ts';
import type { Logger } from '../../log/logger.ts';
import { unlessAborted } from '../../peer/in-flight.ts';
import { type Clock, steadyOf } from '../../time/clock.ts';
import type { LoadedCertificate } from '../certificate.ts';
import { CredentialError } from '../credential-error.ts';
import { credentialEvents } from '../credential-events.ts';
import type { EntryReader } from '../entry-reader.ts';
import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { readPem } from '../read-pem.ts';
import { assertionKey } from './assertion-key.ts';
import { askAsClient, clientTransport } from './client-request.ts';
import { discover, type TokenServer } from './discovery.ts';
import { entraSource } from './entra-source.ts';
import { managedIdentitySource } from './managed-identity-source.ts';
import { refusal } from './refusal.ts';
import { type Token, type TokenSource, tokenFrom } from './token.ts';
import type { ServerMemory, TokenLent } from './token-lent.ts';
import type { TokenAnswer, TokenTransport } from './token-transport.ts';

export interface TokenProvidersOptions {
  readonly reader: EntryReader;
  readonly certificate: (name: string) => Promise<LoadedCertificate>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Called with each certificate that a token server sends, and for which credential. */
  readonly peerCertificate?:
    | ((credential: string, name: string, certificate: CertificateFacts) => void)
    | undefined;
}

/** The token providers of a production, one for each credential of kind `oauth2`, made when it is first used. */
export interface TokenProviders {
  of(name: string): TokenProvider;
  /** The client of a credential of kind `oauth2`, for requests other than for a token. */
  client(name: string, memory: ServerMemory): Promise<readonly [OAuth2Values, TokenLent]>;
  /** Reads all that a token request would need. Rejects with a CredentialError. */
  check(name: string): Promise<void>;
  /** Closes those with these names; the next caller gets a new one. */
  forget(which: (name: string) => boolean): Promise<void>;
}

export function tokenProviders(options: TokenProvidersOptions): TokenProviders {
  const { reader, certificate, clock, log, environment } = options;
  const providers = new Map<string, TokenProvider>();

  const read = async (
    name: string,
    memory: ServerMemory,
  ): Promise<readonly [OAuth2Values, TokenLent]> => {
    const values = await reader.readKind(name, 'oauth2', 'a token');
    const trust = values.trust && (await readPem(name, 'trust', values.trust)).text;
    const events = credentialEvents(log, name);
    const seen = { peerCertificate: options.peerCertificate?.bind(undefined, name) };
    const about = { credential: name, clock, events, memory };
    return [values, { ...about, trust, environment, certificate, ...seen }];
  };

  const provider = (name: string): TokenProvider => {
    const memory: ServerMemory = { skew: 0 };
    // The values are read for each request, so the next one uses a rotated secret or certificate.
    const source = {
      fetch: async (signal: AbortSignal) =>
        tokenSource(...(await read(name, memory))).fetch(signal),
    };
    return tokenProvider(source, { credential: name, clock, events: credentialEvents(log, name) });
  };

  return {
    client: read,
    of(name) {
      const known = providers.get(name) ?? provider(name);
      providers.set(name, known);
      return known;
    },
    async check(name) {
      const [{ authentication }] = await read(name, { skew: 0 });
      const { privateKeyJwt, certificate: own, mutualTls } = authentication ?? {};
      if (privateKeyJwt !== undefined) await assertionKey(name, privateKeyJwt);
      for (const one of [own, mutualTls]) if (one !== undefined) await certificate(one);
    },
    async forget(which) {
      const closing = [...providers].filter(([name]) => which(name));
      for (const [name] of closing) providers.delete(name);
      await Promise.all(closing.map(([, one]) => one.close()));
    },
  };
}

/** A token that is always valid, as far as the server allows. */
export interface TokenProvider {
  /**
   * The current token. Waits for the server only if there is no valid one; renews before expiry
   * without making anybody wait. `fresh`: the peer answered 401; requests a new one, once for all
   * who say so, and at most once in ten seconds, so that a peer that refuses everything does not
   * cause a storm.
   *
   * Rejects with a CredentialError if there is no valid token: until it is time for another
   * request, with the last refusal, and if `refused` was renewed too shortly ago to be renewed
   * again. Rejects with the reason of `signal` if that aborts first; the request continues for the
   * others.
   */
  token(signal: AbortSignal, options?: FreshToken): Promise<string>;
  /** Scopes that were requested but not granted to the current token. */
  notGranted(): readonly string[];
  /** Ends requests under way and waits for that. */
  close(): Promise<void>;
}

/** A token is not handed out in its last moments: it would expire in transit. */
const LONGEST_LAST_MOMENTS = 30_000;
const FRESH_INTERVAL = 10_000;

/** Its times are of the steady clock. */
interface Held {
  readonly token: Token;
  readonly obtainedAt: number;
  /** Whether it was requested because a peer refused the previous one. */
  readonly fresh: boolean;
  readonly goodUntil: number;
  readonly renewAt: number;
}

interface Failed {
  readonly error: CredentialError;
  readonly count: number;
  /** No request is made before this time. */
  readonly until: number;
}

/**
 * Keeps one token for all who need it. At any time it is *empty* (the first caller starts a
 * request, the others wait for it), *good*, *due* (good, and renewed in the background) or *failed*
 * (no valid token, and the server is left alone until `until`). Nothing else sees the three
 * variables that say which, so this is one long function.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function tokenProvider(
  source: TokenSource,
  { credential, clock, events }: Pick<TokenLent, 'credential' | 'clock' | 'events'>,
): TokenProvider {
  const steady = steadyOf(clock);
  const closing = new AbortController();
  let held: Held | undefined;
  let failed: Failed | undefined;
  let flight: Promise<Held> | undefined;

  const obtain = async (fresh: boolean): Promise<Held> => {
    try {
      const token = await source.fetch(closing.signal);
      const obtainedAt = steady.now();
      const behind = clock.now() - obtainedAt;
      const lifetime = token.expiresAt - behind - obtainedAt;
      const goodUntil = obtainedAt + lifetime - Math.min(LONGEST_LAST_MOMENTS, lifetime / 10);
      held = { token, obtainedAt, fresh, goodUntil, renewAt: token.renewAt - behind };
      failed = undefined;
      events.tokenObtained(lifetime);
      return held;
    } catch (error) {
      const known = asCredentialError(credential, error);
      const count = (failed?.count ?? 0) + 1;
      failed = { error: known, count, until: steady.now() + leaveAlone(known, count) };
      const goodFor = (held?.goodUntil ?? 0) - steady.now();
      if (goodFor > 0 && !closing.signal.aborted) events.renewalFailed(known, goodFor);
      throw known;
    } finally {
      flight = undefined;
    }
  };

  const request = (fresh: boolean): Promise<Held> => {
    flight ??= obtain(fresh);
    // Waiters have their own promises; a failed renewal that nobody waits for must not count as
    // unhandled.
    flight.catch(toldElsewhere);
    return flight;
  };

  return {
    async token(signal, options = {}) {
      signal.throwIfAborted();
      if (closing.signal.aborted) throw closed(credential);
      const now = steady.now();
      const mayAsk = failed === undefined || now >= failed.until;
      if (held !== undefined && isGood(held, options, now)) {
        if (held.token.value === options.refused)
          throw refusedSoon(credential, now - held.obtainedAt);
        if (now >= held.renewAt && mayAsk) {
          // its failure is reported by an event of its own
          request(false).catch(toldElsewhere);
        }
        return held.token.value;
      }
      if (flight === undefined && failed !== undefined && !mayAsk) throw failed.error;
      const { token } = await unlessAborted(request(options.fresh === true), signal);
      return token.value;
    },
    notGranted: () => held?.token.notGranted ?? [],
    async close() {
      closing.abort(closed(credential));
      await flight?.catch(toldElsewhere);
      held = undefined;
    },
  };
}

function isGood(held: Held, { fresh = false, refused }: FreshToken, now: number): boolean {
  if (now >= held.goodUntil) return false;
  if (!fresh || (held.fresh && now - held.obtainedAt < FRESH_INTERVAL)) return true;
  // somebody else who heard of it has had it renewed
  return refused !== undefined && held.token.value !== refused;
}

/** That it is refused says something of the peer, or of the server's keys there, but no more than that: the next one may be taken. */
function refusedSoon(credential: string, age: number): CredentialError {
  return new CredentialError('CREDENTIAL_UNAVAILABLE', credential, {
    cause: `the peer refuses a token that was renewed ${Math.round(age / 1_000)} s ago because it had refused the one before`,
    remedy:
      'Another one is requested with the next try; if this is told again and again, compare what the peer knows of the keys and the clock of the token server',
    retryable: true,
    retryAfter: FRESH_INTERVAL - age,
  });
}

function closed(credential: string): CredentialError {
  return new CredentialError('CREDENTIAL_UNAVAILABLE', credential, {
    cause: 'the engine is stopping',
    remedy: 'Nothing needs to be done',
    retryable: true,
  });
}

function asCredentialError(credential: string, error: unknown): CredentialError {
  if (error instanceof CredentialError) return error;
  const name = error instanceof Error ? error.name : 'unknown';
  return new CredentialError('CREDENTIAL_UNAVAILABLE', credential, {
    cause: `the token could not be fetched (${name})`,
    remedy: 'Report this: it should not happen',
    retryable: true,
  });
}

const FIRST = { passing: 1_000, lasting: 10_000 };
const LONGEST = 60_000;

/**
 * How long the server is left alone: as long as it asked for, or a second that doubles up to a
 * minute, with jitter; ten seconds at first if only a person can help, so that a corrected secret
 * is soon used.
 */
function leaveAlone({ retryAfter, retryable }: CredentialError, count: number): number {
  const first = retryable ? FIRST.passing : FIRST.lasting;
  const delay = Math.min(first * 2 ** Math.min(count - 1, 10), LONGEST);
  return Math.max(retryAfter ?? 0, delay * (0.8 + Math.random() * 0.2));
}

/** The source of the tokens of a credential of kind `oauth2`, by its provider. */
function tokenSource(values: OAuth2Values, lent: TokenLent): TokenSource {
  if (values.provider === 'azure-identity') return managedIdentitySource(values, lent);
  return values.provider === 'entra' ? entraSource(values, lent) : genericSource(values, lent);
}

/**
 * Client credentials, or an assertion, at any server that follows RFC 6749. Not done with
 * openid-client, which refuses an answer with 201, a lifetime as text or a missing `token_type`,
 * all of which occur, and keeps the request in its errors.
 */
function genericSource(values: OAuth2Values, lent: TokenLent): TokenSource {
  return {
    async fetch(signal) {
      await using transport = await clientTransport(values, lent, signal);
      return await fetchToken(values, lent, transport);
    },
  };
}

async function fetchToken(
  values: OAuth2Values,
  lent: TokenLent,
  transport: TokenTransport,
): Promise<Token> {
  const { credential, memory, clock } = lent;
  try {
    const server = await serverOf(values, { credential, memory, transport });
    const mutual = values.authentication?.mutualTls !== undefined;
    const tokenOf = ({ status, body }: TokenAnswer): Token | undefined =>
      status >= 200 && status < 300
        ? tokenFrom(body, { now: clock.now(), asked: values.scope })
        : undefined;
    const { answer, secrets } = await askAsClient(values, lent, {
      url: (mutual ? server.mutualTlsUrl : undefined) ?? server.tokenUrl,
      issuer: server.issuer,
      form: formOf(values),
      transport,
      isGood: (one) => tokenOf(one) !== undefined,
    });
    const token = tokenOf(answer);
    if (token === undefined) throw refusal(answer, { credential, secrets, now: clock.now() });
    if (token.notGranted.length > 0) lent.events.scopeNarrowed(token.notGranted);
    return token;
  } catch (error) {
    memory.server = undefined;
    throw error;
  }
}

interface Looking extends Pick<TokenLent, 'credential' | 'memory'> {
  readonly transport: TokenTransport;
}

async function serverOf(values: OAuth2Values, looking: Looking): Promise<TokenServer> {
  const { tokenUrl, issuer } = values;
  if (tokenUrl !== undefined) {
    return {
      tokenUrl,
      mutualTlsUrl: undefined,
      introspection: undefined,
      issuer: issuer?.href.replace(/\/$/, ''),
    };
  }
  const { credential, memory, transport } = looking;
  // The check of the settings ensures that there is an issuer.
  memory.server ??= await discover(credential, issuer as URL, transport);
  return memory.server;
}

const GRANTS: Readonly<Record<OAuth2Values['grant'], string>> = {
  'client-credentials': 'client_credentials',
  'jwt-bearer': 'urn:ietf:params:oauth:grant-type:jwt-bearer',
};

function formOf({ grant, scope, audience, resource }: OAuth2Values): URLSearchParams {
  const form = new URLSearchParams({ grant_type: GRANTS[grant] });
  if (scope !== undefined) form.set('scope', scope);
  if (audience !== undefined) form.set('audience', audience);
  for (const one of resource) form.append('resource', one);
  return form;
}
