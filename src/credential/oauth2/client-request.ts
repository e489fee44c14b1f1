import type { LoadedCertificate } from '../certificate.ts';
import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { clientProof } from './client-authentication.ts';
import { clockSkew } from './refusal.ts';
import type { TokenParts } from './token-parts.ts';
import { type TokenAnswer, type TokenTransport, tokenTransport } from './token-transport.ts';

/** A connection to the client's server, which shows its certificate where that is its proof. */
export async function clientTransport(
  { authentication, proxy, timeout }: OAuth2Values,
  { certificate, trust, credential, peerCertificate }: TokenParts,
  signal: AbortSignal,
): Promise<TokenTransport> {
  const name = authentication?.mutualTls;
  const shown = name === undefined ? undefined : keyPair(await certificate(name));
  return tokenTransport(
    { credential, trust, proxy, timeout, certificate: shown, peerCertificate },
    signal,
  );
}

function keyPair({ credential, privateKey }: LoadedCertificate): { cert: string; key: string } {
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { cert: credential.certificate, key };
}

export interface ClientQuestion {
  readonly url: URL;
  readonly issuer: string | undefined;
  readonly form: URLSearchParams;
  readonly transport: TokenTransport;
  /** Whether the answer is what was asked for. */
  readonly isGood: (answer: TokenAnswer) => boolean;
}

export interface ClientAnswer {
  readonly answer: TokenAnswer;
  /** What proved the client and must not come back in any text. */
  readonly secrets: readonly string[];
}

/** A smaller difference is nothing a server refuses. */
const NOTABLE_SKEW = 30_000;

/** Posts a form with the proof of the client. Any status is an answer. */
export async function askAsClient(
  values: OAuth2Values,
  { credential, clock, memory }: TokenParts,
  { url, issuer, form, transport, isGood }: ClientQuestion,
): Promise<ClientAnswer> {
  const ask = async (): Promise<ClientAnswer> => {
    const now = clock.now() + memory.skew;
    const proof = await clientProof(values, { credential, tokenUrl: url, issuer, now });
    const body = new URLSearchParams([...Object.entries(proof.form), ...form]);
    const answer = await transport.ask(url, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        ...proof.headers,
      },
      body: body.toString(),
    });
    return { answer, secrets: proof.secrets };
  };
  const asked = await ask();
  const skew = clockSkew(asked.answer, clock.now());
  const isNews = Math.abs(skew - memory.skew) >= NOTABLE_SKEW;
  const isSigned = values.authentication?.privateKeyJwt !== undefined;
  if (isNews) memory.skew = skew;
  // An assertion was perhaps refused for its time only, so make one by the server's clock.
  return isNews && isSigned && !isGood(asked.answer) ? ask() : asked;
}
