import type { KeyObject } from 'node:crypto';
import { type CryptoKey, compactVerify, decodeProtectedHeader, type JWTVerifyGetKey } from 'jose';
import { describeError, isEngineError } from '../../error/engine-error.ts';
import { KeysAway, type PublishedKeys } from '../../peer/published-keys.ts';
import { describeDuration } from '../../time/duration.ts';
import type { JwtKeyValues } from '../kind/jwt-key-settings.ts';

/** One check of a token, for a person. */
export interface TokenCheck {
  readonly check: 'form' | 'algorithm' | 'signature' | 'expiry' | 'start' | 'issuer' | 'audience';
  readonly result: 'passed' | 'failed' | 'skipped';
  /** What was found, a full sentence. */
  readonly text: string;
}

/** What a token says, unproven until its signature is checked. */
export interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface TokenReport extends Partial<DecodedToken> {
  readonly checks: readonly TokenCheck[];
  /** Whether what asks for such tokens would take it. */
  readonly accepted: boolean;
}

const passed = (check: TokenCheck['check'], text: string): TokenCheck => ({
  check,
  result: 'passed',
  text,
});
const failed = (check: TokenCheck['check'], text: string): TokenCheck => ({
  check,
  result: 'failed',
  text,
});
const skipped = (check: TokenCheck['check'], text: string): TokenCheck => ({
  check,
  result: 'skipped',
  text,
});

/** What a pasted token says, or why it is none: a sentence. `Bearer` before it does not matter. */
export function decodedToken(pasted: string): DecodedToken | { readonly problem: string } {
  const token = bareToken(pasted);
  const parts = token.split('.');
  if (token === '') return { problem: 'There is no token.' };
  if (parts.length === 5)
    return {
      problem: 'It is an encrypted token (JWE, five parts): only its receiver can read it.',
    };
  if (parts.length !== 3) {
    return {
      problem: `It has ${parts.length} of the three parts of a JSON Web Token: it is cut off, or an opaque token that only its issuer can explain (introspection).`,
    };
  }
  try {
    const header = decodeProtectedHeader(token) as DecodedToken['header'];
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) {
      return { header, claims: claims as DecodedToken['claims'] };
    }
  } catch {
    // damaged: told below
  }
  return { problem: 'A part of it is not JSON in base64url: it was damaged on the way.' };
}

const bareToken = (pasted: string): string =>
  pasted
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replace(/^(?:authorization: )?bearer /i, '')
    .replaceAll(' ', '');

export interface TokenRules {
  readonly values: Pick<JwtKeyValues, 'algorithm' | 'issuer' | 'audience' | 'clockSkew'>;
  readonly key: KeyObject | CryptoKey | JWTVerifyGetKey | PublishedKeys | undefined;
  readonly now: number;
}

/** Every check of a token, not only the first that fails. It is accepted if none does. */
export async function tokenReport(pasted: string, rules: TokenRules): Promise<TokenReport> {
  const decoded = decodedToken(pasted);
  if ('problem' in decoded) {
    return { checks: [failed('form', decoded.problem)], accepted: false };
  }
  const { header, claims } = decoded;
  const { values, now } = rules;
  const algorithm = algorithmCheck(header, values.algorithm);
  const checks = [
    passed('form', 'It is a signed JSON Web Token.'),
    algorithm,
    algorithm.result === 'failed'
      ? skipped('signature', 'The key is not for this algorithm.')
      : await signatureCheck(bareToken(pasted), header, rules),
    expiryCheck(claims, now, values.clockSkew),
    startCheck(claims, now, values.clockSkew),
    issuerCheck(claims, values.issuer),
    audienceCheck(claims, values.audience),
  ];
  return {
    header,
    claims,
    checks,
    accepted: checks.every(({ result }) => result !== 'failed') && checks[2]?.result === 'passed',
  };
}

function algorithmCheck({ alg }: DecodedToken['header'], wanted: string): TokenCheck {
  if (alg === wanted) return passed('algorithm', `It is signed with ${wanted}, as the key says.`);
  if (String(alg).toLowerCase() === 'none')
    return failed('algorithm', 'It is not signed (alg none): anybody can have made it.');
  return failed(
    'algorithm',
    `It is signed with ${wordOf(alg)}, and the key is for ${wanted}. Set algorithm to what the signer uses; what a token says is not trusted.`,
  );
}

async function signatureCheck(
  token: string,
  { kid }: DecodedToken['header'],
  { key, values: { algorithm } }: TokenRules,
): Promise<TokenCheck> {
  const named =
    kid === undefined ? 'the token names no key (kid)' : `the token names the key ${wordOf(kid)}`;
  if (key === undefined) return skipped('signature', `There is no key to verify with; ${named}.`);
  const options = { algorithms: [algorithm] };
  try {
    const check = (): Promise<unknown> =>
      typeof key === 'function'
        ? compactVerify(token, key, options)
        : compactVerify(token, key, options);
    await ('checked' in key ? key.checked(check) : check());
    return passed('signature', `It belongs to the key; ${named}.`);
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (error instanceof KeysAway) {
      const why = isEngineError(error.cause)
        ? error.cause.message
        : `${error.message}: look at jwksUrl.`;
      return failed('signature', `It cannot be checked: ${why} (${named}).`);
    }
    return failed(
      'signature',
      `${REASONS[String(code)] ?? `It cannot be checked: ${describeError(error).text}`} (${named}).`,
    );
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED:
    'It does not belong to this key, or the token was changed: ask the signer for the key in use now',
  ERR_JWKS_NO_MATCHING_KEY: 'The key that it names is not among those the signer publishes',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS:
    'Several published keys fit: the signer has to put the id of the key (kid) into the header',
  ERR_KEY_UNUSABLE:
    'The key that it names is published, but is broken, or shorter than 2048 bits: have the signer publish another one',
  ERR_JOSE_NOT_SUPPORTED:
    'Its header demands what is not known here (crit, b64, or the kind of key): have the signer leave it out',
};

/** As this machine's clock sees it; the other one's may differ. */
function expiryCheck({ exp }: DecodedToken['claims'], now: number, skew: number): TokenCheck {
  if (exp === undefined)
    return failed('expiry', 'It has no expiry (exp), and a token without is refused.');
  if (typeof exp !== 'number') return failed('expiry', 'Its expiry (exp) is no number of seconds.');
  const left = exp * 1_000 - now;
  const at = timeText(exp);
  if (left + skew <= 0) {
    return failed(
      'expiry',
      `It has expired ${describeDuration(-left)} ago, ${at}, by the clock of this machine (${new Date(now).toISOString()}). Have a new one made; if it is new, compare the clocks.`,
    );
  }
  return left <= 0
    ? passed(
        'expiry',
        `It has just expired, ${at}, within the ${describeDuration(skew)} that clocks may differ.`,
      )
    : passed('expiry', `It is valid for another ${describeDuration(left)}, until ${at}.`);
}

function startCheck({ nbf, iat }: DecodedToken['claims'], now: number, skew: number): TokenCheck {
  const made = typeof iat === 'number' ? ` It was made ${timeText(iat)}.` : '';
  if (nbf === undefined)
    return skipped('start', `It does not say from when it is valid (nbf).${made}`);
  if (typeof nbf !== 'number')
    return failed('start', 'The time from which it is valid (nbf) is no number of seconds.');
  const early = nbf * 1_000 - now;
  return early > skew
    ? failed(
        'start',
        `It is not valid for another ${describeDuration(early)}, until ${timeText(nbf)}: compare the clocks of both machines.${made}`,
      )
    : passed('start', `It is valid since ${timeText(nbf)}.${made}`);
}

function issuerCheck({ iss }: DecodedToken['claims'], wanted: string | undefined): TokenCheck {
  if (wanted === undefined)
    return skipped('issuer', `The key accepts any issuer; this one is ${wordOf(iss)}.`);
  return iss === wanted
    ? passed('issuer', `It comes from ${wanted}.`)
    : failed(
        'issuer',
        `It comes from ${wordOf(iss)}, and ${wanted} is expected (iss)${slashHint(iss, wanted)}.`,
      );
}

/** The difference that is seen least. */
const slashHint = (given: unknown, wanted: string): string =>
  typeof given === 'string' && given.replace(/\/$/, '') === wanted.replace(/\/$/, '')
    ? '; they differ only in the slash at the end'
    : '';

function audienceCheck({ aud }: DecodedToken['claims'], wanted: string | undefined): TokenCheck {
  const given = [aud].flat();
  const text = given.map(wordOf).join(', ');
  if (wanted === undefined)
    return skipped('audience', `The key accepts any audience; this one is for ${text}.`);
  return given.includes(wanted)
    ? passed('audience', `It is for ${wanted}.`)
    : failed(
        'audience',
        `It is for ${text}, and ${wanted} is expected (aud): it may be meant for another service.`,
      );
}

const wordOf = (value: unknown): string =>
  value === undefined
    ? 'nobody named'
    : typeof value === 'string'
      ? value.slice(0, 200)
      : JSON.stringify(value).slice(0, 200);

const timeText = (seconds: number): string => {
  const time = new Date(seconds * 1_000);
  return Number.isNaN(time.getTime()) ? 'at no time' : time.toISOString();
};
