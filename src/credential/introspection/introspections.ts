import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { TokenVerifier } from '../../adapter/token-verifier.ts';
import { EngineError } from '../../error/engine-error.ts';
import { type Clock, steadyOf } from '../../time/clock.ts';
import { CredentialError, type CredentialFault } from '../credential-error.ts';
import type { IntrospectionValues } from '../kind/introspection-settings.ts';
import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { askAsClient, clientTransport } from '../oauth2/client-request.ts';
import { discover } from '../oauth2/discovery.ts';
import { refusalFault } from '../oauth2/refusal.ts';
import type { ServerMemory, TokenLent } from '../oauth2/token-lent.ts';
import type { TokenAnswer, TokenTransport } from '../oauth2/token-transport.ts';

/** The verifiers behind credentials of kind `introspection`. */
export interface Introspections {
  of(name: string): Promise<TokenVerifier>;
  /** Whether its client can ask at all. Rejects with a CredentialError. */
  check(name: string): Promise<void>;
  /** Forgets answers, and ends requests under way. */
  forget(): void;
}

/**
 * Checks opaque tokens by asking the server that issued them (RFC 7662), authenticated as a client
 * of ours. Problems with that client are never reported as the fault of a token: they are
 * CREDENTIAL_UNAVAILABLE, whatever the server calls them.
 */
export function introspections({
  read,
  client,
}: {
  /** The values of an `introspection` credential, as they are now. */
  readonly read: (name: string) => Promise<IntrospectionValues>;
  /** Those of its client, and what requests need. */
  readonly client: (
    name: string,
    memory: ServerMemory,
  ) => Promise<readonly [OAuth2Values, TokenLent]>;
}): Introspections {
  let answers = new Map<string, KeptAnswers>();
  let memories = new Map<string, ServerMemory>();
  let ending = new AbortController();

  const clientOf = async (
    name: string,
    values: IntrospectionValues,
  ): Promise<readonly [OAuth2Values, TokenLent]> => {
    const memory = memories.get(name) ?? { skew: 0 };
    memories.set(name, memory);
    const found = await client(values.client, memory);
    const problem = clientProblem(values, found[0]);
    if (problem === undefined) return found;
    throw new CredentialError('CREDENTIAL_REFUSED', name, problem);
  };

  return {
    async of(name) {
      const values = await read(name);
      const [oauth2, lent] = await clientOf(name, values);
      const kept = answers.get(name) ?? new KeptAnswers(lent.clock);
      answers.set(name, kept);
      return {
        async verify(token, options = {}) {
          const asking = { name, values, oauth2, lent, signal: ending.signal };
          const state = await kept.of(token, values.keepFor, () => stateOf(token, asking));
          const { issuer = values.issuer, audience = values.audience } = options;
          const problem = stateRefusal(state, { issuer, audience, now: lent.clock.now() });
          if (problem !== undefined) throw new CredentialError('CREDENTIAL_REFUSED', name, problem);
          return state;
        },
      };
    },
    async check(name) {
      await clientOf(name, await read(name));
    },
    forget() {
      answers = new Map();
      memories = new Map();
      ending.abort();
      ending = new AbortController();
    },
  };
}

function clientProblem(
  { client, url }: IntrospectionValues,
  { provider, issuer }: OAuth2Values,
): { cause: string; remedy: string } | undefined {
  if (provider === 'entra') {
    return {
      cause: `its client ${client} is at Entra, which offers no introspection`,
      remedy: 'Entra signs its tokens: check them with a credential of kind jwt-key',
    };
  }
  return url === undefined && issuer === undefined
    ? {
        cause: `it has no url, and its client ${client} has no issuer whose discovery document names one`,
        remedy: 'Set url to the introspection endpoint',
      }
    : undefined;
}

interface Asking {
  readonly name: string;
  readonly values: IntrospectionValues;
  readonly oauth2: OAuth2Values;
  readonly lent: TokenLent;
  readonly signal: AbortSignal;
}

async function stateOf(token: string, asking: Asking): Promise<TokenState> {
  const { oauth2, lent, signal } = asking;
  try {
    await using transport = await clientTransport(oauth2, lent, signal);
    return await askWith(token, asking, transport);
  } catch (error) {
    lent.memory.server = undefined;
    throw unavailable(error);
  }
}

async function askWith(
  token: string,
  { name, values, oauth2, lent }: Asking,
  transport: TokenTransport,
): Promise<TokenState> {
  const { answer, secrets } = await askAsClient(oauth2, lent, {
    url: await endpoint(name, { values, oauth2, lent, transport }),
    issuer: oauth2.issuer?.href.replace(/\/$/, ''),
    form: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    transport,
    isGood: (one) => stateIn(one) !== undefined,
  });
  const state = stateIn(answer);
  if (state !== undefined) return state;
  const said = { credential: name, secrets: [...secrets, token], now: lent.clock.now() };
  throw new CredentialError('CREDENTIAL_UNAVAILABLE', name, {
    ...refusalFault(answer, { ...said, asked: 'to tell us of a token' }),
    retryable: true,
  });
}

function stateIn({ status, body }: TokenAnswer): TokenState | undefined {
  const { active } = body ?? {};
  return status === 200 && typeof active === 'boolean' ? { ...body, active } : undefined;
}

async function endpoint(
  name: string,
  {
    values,
    oauth2,
    lent,
    transport,
  }: Pick<Asking, 'values' | 'oauth2' | 'lent'> & { readonly transport: TokenTransport },
): Promise<URL> {
  if (values.url !== undefined) return values.url;
  const { memory, credential } = lent;
  // There is an issuer: a missing one was refused before.
  memory.server ??= await discover(credential, oauth2.issuer as URL, transport);
  const { introspection } = memory.server;
  if (introspection !== undefined) {
    const isMutual = oauth2.authentication?.mutualTls !== undefined;
    return isMutual ? introspection.mutualTlsUrl : introspection.url;
  }
  throw new CredentialError('CREDENTIAL_UNAVAILABLE', name, {
    cause: `the discovery document of ${oauth2.issuer?.href ?? ''} names no introspection endpoint`,
    remedy: 'Set url if the server has one; otherwise its tokens must be signed ones',
    retryable: true,
  });
}

/** A problem with our client is not the fault of the token that is being checked. */
function unavailable(error: unknown): unknown {
  if (!(error instanceof CredentialError) || error.code === 'CREDENTIAL_UNAVAILABLE') return error;
  return new EngineError('CREDENTIAL_UNAVAILABLE', error.message, { retryable: true });
}

interface Wanted {
  readonly issuer: string | undefined;
  readonly audience: string | readonly string[] | undefined;
  readonly now: number;
}

/**
 * Why a token is not accepted, by what its server says about it; undefined if it is valid. Never a
 * value of its claims.
 */
function stateRefusal(
  { active, exp, nbf, iss, aud }: TokenState,
  { issuer, audience, now }: Wanted,
): CredentialFault | undefined {
  if (!active) {
    return fault(
      'the server says that the token is not valid: it has expired, was revoked or is not one of its own',
      'Have a new token fetched; if it is new, check that both use the same server',
    );
  }
  if (typeof exp === 'number' && exp * 1_000 <= now) {
    return fault('the token has expired', 'Have a new token fetched');
  }
  if (typeof nbf === 'number' && nbf * 1_000 > now) {
    return fault('the token is not valid yet', 'Compare the clocks of both machines');
  }
  if (issuer !== undefined && iss !== issuer) return claimFault('issuer (iss)', iss);
  const meant = new Set([aud].flat());
  if (audience !== undefined && ![audience].flat().some((one) => meant.has(one))) {
    return claimFault('audience (aud)', aud);
  }
  return undefined;
}

const fault = (cause: string, remedy: string): CredentialFault => ({ cause, remedy });

const claimFault = (name: string, value: unknown): CredentialFault =>
  value === undefined
    ? fault(`the server does not report the ${name} of the token`, 'Have the server report it')
    : fault(
        `the ${name} of the token is not the one expected`,
        'Compare it with what the server says; the token may be meant for another service',
      );

/** What a server says about a token (RFC 7662); `active` tells whether it is valid. */
type TokenState = Readonly<Record<string, unknown>> & { readonly active: boolean };

interface KeptAnswer {
  readonly state: Promise<TokenState>;
  until: number;
}

/** A caller who tries token after token must not fill up the memory. */
const MOST = 10_000;

/** Answers about tokens, kept for a while under a hash of the token. One request serves all who wait for it. */
class KeptAnswers {
  readonly #clock: Clock;
  readonly #steady: Clock;
  readonly #kept = new LRUCache<string, KeptAnswer>({ max: MOST });

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#steady = steadyOf(clock);
  }

  /** `keepFor` counts from the request, and no answer is kept longer than its token is valid. */
  of(token: string, keepFor: number, ask: () => Promise<TokenState>): Promise<TokenState> {
    const key = createHash('sha256').update(token).digest('base64');
    const now = this.#steady.now();
    const known = this.#kept.get(key);
    if (known !== undefined && now < known.until) return known.state;
    const kept: KeptAnswer = { state: this.#asked(key, ask), until: now + keepFor };
    this.#kept.set(key, kept);
    return kept.state;
  }

  async #asked(key: string, ask: () => Promise<TokenState>): Promise<TokenState> {
    try {
      const state = await ask();
      const { exp } = state as { exp?: unknown };
      const kept = this.#kept.get(key);
      if (typeof exp === 'number' && kept !== undefined) {
        const left = exp * 1_000 - this.#clock.now();
        kept.until = Math.min(kept.until, this.#steady.now() + left);
      }
      return state;
    } catch (error) {
      // After a failed request, the next caller asks again.
      this.#kept.delete(key);
      throw error;
    }
  }
}
