import { expect, test } from 'vitest';
import { AADSTS } from '../../../src/credential/oauth2/aadsts.ts';
import { OAUTH2_ERRORS, refusal } from '../../../src/credential/oauth2/refusal.ts';
import { type CredentialSet, credentialSet, refusalOf } from '../../support/credential-set.ts';
import { type OddTokenServer, oddTokenServer, reply } from '../../support/odd-token-server.ts';

const context = { credential: 'graph', secrets: [], now: 0 };
const answer = { place: 'login.example:443', status: 400, headers: {} };

test('every known number of Entra says what is wrong and what to do', () => {
  for (const [number, { cause, remedy, retryable }] of AADSTS) {
    const body = {
      error: 'invalid_client',
      error_description: `AADSTS${number}: text of Microsoft. Trace ID: 1`,
      error_codes: [number],
    };
    const error = refusal({ ...answer, body }, context);
    expect(error.message).toBe(
      `credential graph: login.example:443 refused the token request: AADSTS${number}: ${cause}. ${remedy}.`,
    );
    expect(error.retryable).toBe(retryable === true);
    expect(`${cause}${remedy}`).not.toMatch(/\.$|undefined/);
  }
});

test('an unknown number of Entra is told in its own words', () => {
  const body = {
    error: 'invalid_request',
    error_description: 'AADSTS4711: Something new.',
    error_codes: [4711],
  };
  const error = refusal({ ...answer, body }, context);
  expect(error.message).toContain('AADSTS4711: Something new.');
  expect(error.message).toContain('login.microsoftonline.com/error');
  expect(error.retryable).toBe(false);
});

test('every known word of OAuth2 says what is wrong and what to do', () => {
  for (const [word, { cause, remedy, retryable }] of OAUTH2_ERRORS) {
    const body = { error: word, error_description: 'says the server' };
    const error = refusal({ ...answer, body }, context);
    expect(error.message).toContain(`${word}: ${cause} (it says: says the server). ${remedy}.`);
    expect(error.retryable).toBe(retryable === true);
    expect(error.code).toBe(retryable === true ? 'CREDENTIAL_UNAVAILABLE' : 'CREDENTIAL_REFUSED');
  }
});

test('a text of a server is shown on one line and not at any length', () => {
  const body = { error: 'invalid_client', error_description: `a\r\n\u0007b${'x'.repeat(1_000)}` };
  const { message } = refusal({ ...answer, body }, context);
  expect(message).not.toMatch(/\p{Cc}/u);
  expect(message.length).toBeLessThan(800);
});

/** A client of a server that has a token endpoint and no discovery document. */
function setFor({ url, ca }: OddTokenServer): CredentialSet {
  return credentialSet({
    api: {
      kind: 'oauth2',
      tokenUrl: `${url}/token`,
      clientId: 'client',
      authentication: { secret: 'secret' },
      trust: ca,
    },
  });
}

interface Odd {
  readonly status: number;
  readonly body: object | string;
  readonly headers?: Record<string, string>;
  readonly text: string;
  readonly retryable: boolean;
}

const ODD: readonly Odd[] = [
  {
    status: 200,
    body: { access_token: 't', token_type: 'mac' },
    text: 'its token is of type mac, not Bearer',
    retryable: false,
  },
  {
    status: 302,
    body: '',
    headers: { location: 'https://elsewhere.example/' },
    text: 'a redirect',
    retryable: false,
  },
  { status: 404, body: 'no', text: 'there is no token endpoint at this address', retryable: false },
  { status: 403, body: 'no', text: 'it answered 403 with text/plain', retryable: false },
  { status: 503, body: 'no', text: 'it answered 503 with text/plain', retryable: true },
  { status: 200, body: '[]', text: 'instead of a token', retryable: true },
  {
    status: 400,
    body: { error: 'house_rule', error_description: 'ask Jane' },
    text: 'house_rule (it says: ask Jane)',
    retryable: false,
  },
  { status: 400, body: { error: 'slow_down' }, text: 'gets too many requests', retryable: true },
  { status: 200, body: 'x'.repeat(2_000_000), text: 'the connection to', retryable: true },
];

test.for(ODD)('$status $text', async ({ status, body, headers, text, retryable }) => {
  await using server = await oddTokenServer((_, response) =>
    reply(response, status, body, headers),
  );
  await using set = setFor(server);
  const error = await refusalOf(set);
  expect(error.message).toContain(text);
  expect(error.retryable).toBe(retryable);
  expect(server.asked.length).toBe(1);
});

test.for([
  ['seconds', '120', 120_000],
  ['a date', undefined, 120_000],
  ['a day, which is an hour here', '86400', 3_600_000],
] as const)('Retry-After is understood as %s', async ([, given, wait]) => {
  const value = given ?? new Date(Date.now() + wait).toUTCString();
  await using server = await oddTokenServer((_, response) =>
    reply(response, 429, { error: 'slow_down' }, { 'retry-after': value }),
  );
  await using set = setFor(server);
  const { retryAfter = 0 } = await refusalOf(set);
  expect(Math.abs(retryAfter - wait)).toBeLessThan(5_000);
});
