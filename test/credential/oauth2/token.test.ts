import { expect, test } from 'vitest';
import { tokenFrom } from '../../../src/credential/oauth2/token.ts';
import { type CredentialSet, credentialSet } from '../../support/credential-set.ts';
import { type OddTokenServer, oddTokenServer, reply } from '../../support/odd-token-server.ts';

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

const TOLERATED: readonly (readonly [string, number, object | string])[] = [
  ['201', 201, { access_token: 't', token_type: 'Bearer', expires_in: 60 }],
  ['a lifetime as text', 200, { access_token: 't', token_type: 'bearer', expires_in: '60' }],
  ['no token_type', 200, { access_token: 't', expires_in: 60 }],
  ['JSON that is called text', 200, '{"access_token":"t","token_type":"Bearer"}'],
];

test.for(TOLERATED)('a server that answers with %s is understood', async ([, status, body]) => {
  await using server = await oddTokenServer((_, response) => reply(response, status, body));
  await using set = setFor(server);
  expect(await set.token('api')).toBe('t');
});

const NOW = 1_000_000;

test.for([
  [{ expires_in: 3_600 }, 3_600, 3_300],
  [{ expires_in: 60 }, 60, 48],
  [{ expires_in: 86_400, refresh_in: 43_200 }, 86_400, 43_200],
  [{ expires_in: 60, refresh_in: 120 }, 60, 60],
  [{}, 300, 240],
  [{ expires_in: 'soon' }, 300, 240],
  [{ expires_in: -1 }, 300, 240],
] as const)('%j is good for %i s and renewed about %i s after it came', ([body, good, due]) => {
  const token = tokenFrom({ access_token: 't', ...body }, { now: NOW });
  expect(token?.expiresAt).toBe(NOW + good * 1_000);
  expect(token?.renewAt).toBeLessThanOrEqual(NOW + due * 1_000);
  expect(token?.renewAt).toBeGreaterThanOrEqual(NOW + due * 950);
});

test.for([
  undefined,
  {},
  { access_token: '' },
  { access_token: 1 },
  { access_token: 't', token_type: 'DPoP' },
])('%j holds no token that can be used', (body) => {
  expect(tokenFrom(body, { now: NOW })).toBeUndefined();
});
