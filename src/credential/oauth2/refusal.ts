import { CredentialError, type CredentialFault } from '../credential-error.ts';
import { withoutSecrets } from '../without-secrets.ts';
import { AADSTS, type Refusal } from './aadsts.ts';
import type { TokenAnswer } from './token-transport.ts';

export interface RefusalContext {
  readonly credential: string;
  /** What was sent and must not appear in a text, in any spelling. */
  readonly secrets: readonly string[];
  readonly now: number;
  /** What was requested. Default: `the token request`. */
  readonly asked?: string;
}

/** The error for an answer without a usable token: which check failed, what to do, whether a retry helps. */
export function refusal(answer: TokenAnswer, context: RefusalContext): CredentialError {
  const fault = refusalFault(answer, context);
  const code = fault.retryable === true ? 'CREDENTIAL_UNAVAILABLE' : 'CREDENTIAL_REFUSED';
  return new CredentialError(code, context.credential, fault);
}

/** The same, as the message of another error. */
export function refusalFault(answer: TokenAnswer, context: RefusalContext): CredentialFault {
  const { cause, remedy, retryable } = meaning(answer, context);
  const isRetryable = retryable === true || isPassing(answer.status);
  const said = `${answer.place} refused ${context.asked ?? 'the token request'}: `;
  return {
    cause: `${said}${cause}${clockText(answer, context.now)}`,
    remedy,
    retryable: isRetryable,
    retryAfter: isRetryable ? retryAfter(answer, context.now) : undefined,
    detail: requestIds(answer, context),
  };
}

const isPassing = (status: number): boolean => status === 429 || status >= 500;

function meaning(answer: TokenAnswer, context: RefusalContext): Refusal {
  const { error, error_description: description } = answer.body ?? {};
  const text = typeof description === 'string' ? withoutSecrets(description, context.secrets) : '';
  const number = entraNumber(answer, text);
  if (number !== undefined) {
    const known = AADSTS.get(number);
    return known === undefined
      ? {
          cause: text || `AADSTS${number}`,
          remedy: 'Look up the number at login.microsoftonline.com/error',
        }
      : { ...known, cause: `AADSTS${number}: ${known.cause}` };
  }
  if (typeof error === 'string') {
    const word = withoutSecrets(error, context.secrets).slice(0, 60);
    const quoted = text === '' ? '' : ` (it says: ${text})`;
    const known = OAUTH2_ERRORS.get(error);
    return known === undefined
      ? { cause: `${word}${quoted}`, remedy: 'Ask those who run the server what it means' }
      : { ...known, cause: `${word}: ${known.cause}${quoted}` };
  }
  return withoutWord(answer);
}

function entraNumber({ body }: TokenAnswer, text: string): number | undefined {
  const { error_codes: codes } = body ?? {};
  const [first] = Array.isArray(codes) ? (codes as unknown[]) : [];
  const [, written] = /^AADSTS(\d+)/.exec(text) ?? [];
  if (written !== undefined) return Number(written);
  return typeof first === 'number' ? first : undefined;
}

/** The error for an answer that is not OAuth2: proxies, sign-in pages, wrong addresses. */
function withoutWord({ status, headers, body }: TokenAnswer): Refusal {
  const type = /^[\w.+-]+\/[\w.+-]+/.exec(headers['content-type'] ?? '')?.[0] ?? 'an unnamed type';
  if (status >= 200 && status < 300) return withoutToken(type, body);
  if (status >= 300 && status < 400) {
    return {
      cause: `it answered ${status}, a redirect`,
      remedy: 'Give the address of the token endpoint itself; secrets are not sent anywhere else',
    };
  }
  if (status === 404 || status === 405) {
    return {
      cause: `it answered ${status}: there is no token endpoint at this address`,
      remedy: 'Correct tokenUrl, issuer, authority or tenant',
    };
  }
  const what = body === undefined ? ` with ${type} instead of JSON` : '';
  return { cause: `it answered ${status}${what}`, remedy: remedyFor(status) };
}

function remedyFor(status: number): string {
  if (status === 429) {
    return 'It has too many requests, and is asked again once the time that it names is over, at most an hour';
  }
  return isPassing(status)
    ? 'It is retried automatically; a gateway in front of the server may be at fault'
    : 'Check the address, and whether there is a proxy or firewall in between';
}

function withoutToken(type: string, body: TokenAnswer['body']): Refusal {
  if (body === undefined) {
    return {
      cause: `it answered with ${type} instead of a token`,
      remedy: 'Check the address; there may be a proxy or a sign-in page in between',
      retryable: true,
    };
  }
  const { access_token: token, token_type: kind } = body;
  return typeof token === 'string' && token !== ''
    ? {
        cause: `its token is of type ${withoutSecrets(String(kind), [token]).slice(0, 30)}, not Bearer`,
        remedy: 'Have the client registered for Bearer tokens',
      }
    : {
        cause: 'it reported success, but without a token',
        remedy: 'Ask those who run the server',
        retryable: true,
      };
}

const LONGEST_WAIT = 3_600_000;

/** Seconds or a date, at most an hour. */
function retryAfter({ headers }: TokenAnswer, now: number): number | undefined {
  const given = headers['retry-after'];
  if (given === undefined) return undefined;
  const wait = /^\d+$/.test(given) ? Number(given) * 1_000 : Date.parse(given) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), LONGEST_WAIT);
}

const NOTABLE_SKEW = 60_000;

/** By how much our clock differs from the server's; a date header has whole seconds. */
export function clockSkew({ headers }: TokenAnswer, now: number): number {
  const date = Date.parse(headers['date'] ?? '');
  return Number.isNaN(date) ? 0 : date - now;
}

/** Many assertions are refused because of a wrong clock, and no server says so. */
function clockText(answer: TokenAnswer, now: number): string {
  const skew = clockSkew(answer, now);
  if (Math.abs(skew) < NOTABLE_SKEW) return '';
  const minutes = Math.round(Math.abs(skew) / 60_000);
  return ` (the clock of this machine is ${minutes} min ${skew > 0 ? 'behind' : 'ahead of'} the server's)`;
}

/** The ids that Microsoft's support asks for. */
function requestIds({ body }: TokenAnswer, { secrets }: RefusalContext): string | undefined {
  const ids = ['trace_id', 'correlation_id'].flatMap((name) => {
    const id = body?.[name];
    return typeof id === 'string' ? `${name} ${withoutSecrets(id, secrets).slice(0, 60)}` : [];
  });
  return ids.length > 0 ? ids.join(', ') : undefined;
}

/** The error codes of token endpoints: RFC 6749 §5.2, RFC 8707, and others that servers use. */
export const OAUTH2_ERRORS: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  [
    'invalid_client',
    {
      cause: 'the server does not know this client, or its secret, key or certificate is wrong',
      remedy:
        'Compare clientId and authentication with the registration; an assertion also fails if its key (kid) is not in our published JWKS, its audience differs or a clock is off',
    },
  ],
  [
    'unauthorized_client',
    {
      cause: 'this client may not use the grant, or not act for this subject',
      remedy: 'Have the grant allowed in its registration (Keycloak: service account roles)',
    },
  ],
  [
    'invalid_scope',
    {
      cause: 'the scope is unknown, malformed or not allowed for this client',
      remedy: 'Compare scope with what the registration allows',
    },
  ],
  [
    'invalid_target',
    {
      cause: 'the resource is unknown to the server or not allowed for this client',
      remedy: 'Compare resource and audience with the registration',
    },
  ],
  [
    'invalid_resource',
    {
      cause: 'the resource is unknown to the server',
      remedy: 'Compare scope, resource and audience with the registration',
    },
  ],
  [
    'unsupported_grant_type',
    {
      cause: 'the server does not offer client credentials',
      remedy: 'Check tokenUrl: it must be the token endpoint',
    },
  ],
  [
    'invalid_request',
    {
      cause: 'the server finds the request malformed',
      remedy: 'Check whether it wants audience, resource or scope, and the secret in the body',
    },
  ],
  [
    'invalid_grant',
    {
      cause: 'the server does not accept the assertion as a grant',
      remedy: 'Check privateKeyJwt and the registration',
    },
  ],
  [
    'access_denied',
    { cause: 'the server denies this client access', remedy: 'Ask those who run the server' },
  ],
  [
    'temporarily_unavailable',
    {
      cause: 'the server is overloaded or in maintenance',
      remedy: 'It is retried automatically',
      retryable: true,
    },
  ],
  [
    'server_error',
    { cause: 'the server has a fault', remedy: 'It is retried automatically', retryable: true },
  ],
  [
    'slow_down',
    {
      cause: 'the server gets too many requests',
      remedy: 'It is retried automatically; look for other programs that use this client id',
      retryable: true,
    },
  ],
]);
