import type { TokenVerifier } from '../../adapter/token-verifier.ts';
import { EngineError } from '../../error/engine-error.ts';
import { CredentialError } from '../credential-error.ts';
import type { IntrospectionValues } from '../kind/introspection-settings.ts';
import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { askAsClient, clientTransport } from '../oauth2/client-request.ts';
import { discover } from '../oauth2/discovery.ts';
import { refusalFault } from '../oauth2/refusal.ts';
import type { ServerMemory, TokenParts } from '../oauth2/token-parts.ts';
import type { TokenAnswer, TokenTransport } from '../oauth2/token-transport.ts';
import { KeptAnswers, type TokenState } from './kept-answers.ts';
import { stateRefusal } from './state-refusal.ts';

export interface IntrospectionsParts {
  /** The values of an `introspection` credential, as they are now. */
  readonly read: (name: string) => Promise<IntrospectionValues>;
  /** Those of its client, with what asking needs. */
  readonly client: (
    name: string,
    memory: ServerMemory,
  ) => Promise<readonly [OAuth2Values, TokenParts]>;
}

/** The verifiers behind credentials of kind `introspection`. */
export interface Introspections {
  of(name: string): Promise<TokenVerifier>;
  /** Whether its client can ask at all. Rejects with a CredentialError. */
  check(name: string): Promise<void>;
  /** Forgets what was answered, and ends what is being asked. */
  forget(): void;
}

/**
 * Checks opaque tokens by asking the server that gave them out (RFC 7662), with the proof of a client
 * of ours. What is wrong with that client is never told as the fault of a token: it is
 * CREDENTIAL_UNAVAILABLE, whatever the server calls it.
 */
export function introspections({ read, client }: IntrospectionsParts): Introspections {
  let answers = new Map<string, KeptAnswers>();
  let memories = new Map<string, ServerMemory>();
  let ending = new AbortController();

  const clientOf = async (
    name: string,
    values: IntrospectionValues,
  ): Promise<readonly [OAuth2Values, TokenParts]> => {
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
      const [oauth2, parts] = await clientOf(name, values);
      const kept = answers.get(name) ?? new KeptAnswers(parts.clock);
      answers.set(name, kept);
      return {
        async verify(token, options = {}) {
          const asking = { name, values, oauth2, parts, signal: ending.signal };
          const state = await kept.of(token, values.keepFor, () => ask(token, asking));
          const { issuer = values.issuer, audience = values.audience } = options;
          const problem = stateRefusal(state, { issuer, audience, now: parts.clock.now() });
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
  readonly parts: TokenParts;
  readonly signal: AbortSignal;
}

async function ask(token: string, asking: Asking): Promise<TokenState> {
  const { oauth2, parts, signal } = asking;
  try {
    await using transport = await clientTransport(oauth2, parts, signal);
    return await askWith(token, asking, transport);
  } catch (error) {
    parts.memory.server = undefined;
    throw unavailable(error);
  }
}

async function askWith(
  token: string,
  { name, values, oauth2, parts }: Asking,
  transport: TokenTransport,
): Promise<TokenState> {
  const { answer, secrets } = await askAsClient(oauth2, parts, {
    url: await endpoint(name, { values, oauth2, parts, transport }),
    issuer: oauth2.issuer?.href.replace(/\/$/, ''),
    form: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    transport,
    isGood: (one) => stateIn(one) !== undefined,
  });
  const state = stateIn(answer);
  if (state !== undefined) return state;
  const said = { credential: name, secrets: [...secrets, token], now: parts.clock.now() };
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
    parts,
    transport,
  }: Pick<Asking, 'values' | 'oauth2' | 'parts'> & { readonly transport: TokenTransport },
): Promise<URL> {
  if (values.url !== undefined) return values.url;
  const { memory, credential } = parts;
  // There is an issuer: its absence was refused before.
  memory.server ??= await discover(credential, oauth2.issuer as URL, transport);
  const { introspection } = memory.server;
  if (introspection !== undefined) {
    const isMutual = oauth2.authentication?.mutualTls !== undefined;
    return isMutual ? introspection.mutualTlsUrl : introspection.url;
  }
  throw new CredentialError('CREDENTIAL_UNAVAILABLE', name, {
    cause: `the discovery document of ${oauth2.issuer?.href ?? ''} names no introspection endpoint`,
    remedy: 'Set url if the server has one; else its tokens must be signed ones',
    retryable: true,
  });
}

/** What is wrong with our client is no fault of the token that is being checked. */
function unavailable(error: unknown): unknown {
  if (!(error instanceof CredentialError) || error.code === 'CREDENTIAL_UNAVAILABLE') return error;
  return new EngineError('CREDENTIAL_UNAVAILABLE', error.message, { retryable: true });
}
