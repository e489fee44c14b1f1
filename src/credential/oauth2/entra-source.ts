import { readFile } from 'node:fs/promises';
import type { INetworkModule, NodeAuthOptions } from '@azure/msal-node';
import type { LoadedCertificate } from '../certificate.ts';
import { CredentialError } from '../credential-error.ts';
import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { withoutSecrets } from '../without-secrets.ts';
import { refusal } from './refusal.ts';
import { type Token, type TokenSource, tokenFrom } from './token.ts';
import type { TokenLent } from './token-lent.ts';
import { type TokenAnswer, type TokenTransport, tokenTransport } from './token-transport.ts';

/**
 * Client credentials at Entra ID through MSAL, which knows the clouds, the kinds of assertions and
 * what Microsoft changes next. Only its protocol is used, with a new application object for each
 * request: its cache renews in the foreground, throws while a token is still valid, and after a 429
 * or 5xx answers from its own store for a minute; its network has no time-out and loses the cause.
 */
export function entraSource(values: OAuth2Values, lent: TokenLent): TokenSource {
  return {
    async fetch(signal) {
      const { credential, trust, peerCertificate } = lent;
      const { proxy, timeout } = values;
      const proof = await entraProof(values, lent);
      await using transport = tokenTransport(
        { credential, trust, proxy, timeout, peerCertificate },
        signal,
      );
      const heard: Heard = {};
      try {
        await acquire(values, proof.options, recorder(transport, heard));
      } catch (error) {
        throw failure(error, heard, { credential, secrets: proof.secrets, now: lent.clock.now() });
      }
      return tokenOf(heard, { ...proof, lent });
    },
  };
}

interface EntraProof {
  readonly options: Partial<NodeAuthOptions>;
  readonly secrets: readonly string[];
}

async function entraProof({ authentication }: OAuth2Values, lent: TokenLent): Promise<EntraProof> {
  const { secret, certificate, federatedToken } = authentication ?? {};
  if (secret !== undefined) return { options: { clientSecret: secret }, secrets: [secret] };
  if (certificate !== undefined) {
    const loaded = await lent.certificate(certificate);
    const options = { clientCertificate: entraCertificate(lent.credential, loaded) };
    return { options, secrets: [] };
  }
  const token = await federatedText(lent, federatedToken);
  return { options: { clientAssertion: token }, secrets: [token] };
}

function entraCertificate(
  credential: string,
  { chain, privateKey }: LoadedCertificate,
): NonNullable<NodeAuthOptions['clientCertificate']> {
  if (privateKey.asymmetricKeyType !== 'rsa') {
    throw new CredentialError('CREDENTIAL_REFUSED', credential, {
      cause: `Entra accepts only certificates with an RSA key; this one is ${privateKey.asymmetricKeyType ?? 'of another kind'}`,
      remedy: 'Register a certificate with an RSA key of 2048 bits or more',
    });
  }
  return {
    thumbprintSha256: chain[0].fingerprint256.replaceAll(':', ''),
    // MSAL cannot open an encrypted key.
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    x5c: chain.map((one) => one.toString()).join(''),
  };
}

async function federatedText(
  { credential, environment }: TokenLent,
  source: { file: string | undefined; environment: string | undefined } | undefined,
): Promise<string> {
  const { file, environment: variable = '' } = source ?? {};
  const missing = (where: string): CredentialError =>
    new CredentialError('CREDENTIAL_MISSING', credential, {
      cause: `there is no federated token in ${where}`,
      remedy: 'Check the platform that should write it',
      retryable: true,
    });
  const text =
    file === undefined
      ? environment[variable]
      : await readFile(file, 'utf8').catch(() => {
          throw missing(file);
        });
  if (text === undefined || text.trim() === '') throw missing(file ?? `the variable ${variable}`);
  return text.trim();
}

/** The last answer: MSAL's errors do not contain it. */
interface Heard {
  answer?: TokenAnswer;
  unanswered?: unknown;
  posted?: boolean;
}

function recorder(transport: TokenTransport, heard: Heard): INetworkModule {
  const send = async (
    method: 'GET' | 'POST',
    url: string,
    options: { headers?: Record<string, string>; body?: string } = {},
  ): Promise<{ headers: Record<string, string>; body: never; status: number }> => {
    delete heard.answer;
    heard.posted = method === 'POST';
    try {
      const { headers = {}, body } = options;
      heard.answer = await transport.ask(new URL(url), {
        method,
        headers,
        ...(body !== undefined && { body }),
      });
    } catch (error) {
      heard.unanswered = error;
      throw error;
    }
    const { status, headers, body } = heard.answer;
    return { status, headers, body: (body ?? {}) as never };
  };
  return {
    sendGetRequestAsync: (url, options) => send('GET', url, options),
    sendPostRequestAsync: (url, options) => send('POST', url, options),
  };
}

async function acquire(
  { authority, tenant = '', clientId, scope = '' }: OAuth2Values,
  proof: Partial<NodeAuthOptions>,
  networkClient: INetworkModule,
): Promise<void> {
  // Loaded when needed: it takes as long as the rest of the engine's start.
  const { ConfidentialClientApplication } = await import('@azure/msal-node');
  const application = new ConfidentialClientApplication({
    auth: {
      clientId,
      authority: new URL(tenant, authority).href,
      // Including the port, or a private cloud is not found. It also skips instance discovery.
      knownAuthorities: [authority.host],
      ...proof,
    },
    system: { networkClient, disableInternalRetries: true },
  });
  await application.acquireTokenByClientCredential({ scopes: [scope], skipCache: true });
}

interface FailureContext {
  readonly credential: string;
  readonly secrets: readonly string[];
  readonly now: number;
}

function failure(
  error: unknown,
  { answer, unanswered, posted }: Heard,
  context: FailureContext,
): unknown {
  // After a good discovery document the fault is in what MSAL made of it.
  if (answer !== undefined && (posted === true || answer.status !== 200 || !answer.body)) {
    return refusal(answer, context);
  }
  if (unanswered !== undefined) return unanswered;
  const { errorCode } = error as { errorCode?: unknown };
  const word = typeof errorCode === 'string' ? errorCode : 'unknown';
  const code = withoutSecrets(word, context.secrets).slice(0, 60);
  return new CredentialError('CREDENTIAL_REFUSED', context.credential, {
    cause: `no request could be made (${code})`,
    remedy: 'Check tenant, authority, clientId and authentication',
  });
}

/** From the answer itself: MSAL turns an answer without a token into a success with an empty text. */
function tokenOf(
  { answer }: Heard,
  { secrets, lent }: EntraProof & { readonly lent: TokenLent },
): Token {
  const now = lent.clock.now();
  const token = tokenFrom(answer?.body, { now });
  if (token !== undefined) return token;
  const none = { place: 'Entra', status: 200, headers: {}, body: undefined };
  throw refusal(answer ?? none, { credential: lent.credential, secrets, now });
}
