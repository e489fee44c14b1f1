import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { type OidcClient, oidcClient } from '../../../src/peer/oidc/oidc-client.ts';
import { certificates } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { webServer } from '../../support/web-server.ts';

const BACK = 'https://waybill.example/callback';

const json = (body: unknown) => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** What a provider answers, as far as a sign-in asks it, over TLS by an authority that is not public. */
async function provider() {
  const files = await certificates();
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const { certificate: cert, key } = files.server;
  const server = await webServer(undefined, { tls: { cert, key } });
  const issuer = server.url;
  let nonce = '';
  const sign = (claims: Readonly<Record<string, unknown>>): Promise<string> =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'k' })
      .setIssuer(issuer)
      .setAudience('waybill')
      .setSubject('nurse')
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
  server.answer(async ({ path }) => {
    if (path === '/keys') return json({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] });
    if (path === '/token') {
      const tokens = { access_token: 'a', token_type: 'Bearer', id_token: await sign({ nonce }) };
      return json(tokens);
    }
    if (path.startsWith('/authorize')) return { status: 302, headers: { location: BACK } };
    return json({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
    });
  });
  return {
    files,
    sign,
    client: (trust: string | undefined): OidcClient =>
      oidcClient({
        name: 'own',
        issuer,
        clientId: 'waybill',
        clientSecret: 'secret',
        trust,
        scopes: [],
        clockSkew: 0,
        callback: BACK,
      }),
    asks: (one: string) => (nonce = one),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

test('a provider with an authority of the hospital is asked for everything, and one without says where it goes', async () => {
  await using own = await provider();
  const client = own.client(own.files.trust);
  const { attempt } = await client.start(BACK);
  own.asks(attempt.nonce);
  const answer = new URL(`${BACK}?code=c&state=${attempt.state}`);
  expect((await client.finish(answer, attempt, [])).claims).toMatchObject({ sub: 'nurse' });
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const token = await own.sign({ events, jti: 'one' });
  expect(await client.signedOut(token)).toEqual({ sub: 'nurse', sid: undefined });
  await client.tryRedirect(BACK);

  await expect(own.client(undefined).start(BACK)).rejects.toMatchObject({
    why: expect.stringMatching(/UNABLE_TO_VERIFY|SELF_SIGNED/),
    remedy: expect.stringMatching(/certificate of localhost:\d+ into the file under trust/),
  });
});

test('a file that comes later, or is renewed, counts with the next request', async () => {
  await using own = await provider();
  await using folder = await temporaryFolder('trust');
  const file = join(folder.path, 'ca.pem');
  const client = own.client(file);
  await expect(client.start(BACK)).rejects.toMatchObject({ why: expect.stringMatching(/ENOENT/) });
  await writeFile(file, own.files.strangeClient.certificate);
  await expect(client.start(BACK)).rejects.toMatchObject({
    remedy: expect.stringMatching(/under trust/),
  });
  await writeFile(file, own.files.authority.certificate);
  expect((await client.start(BACK)).url.pathname).toBe('/authorize');
});
