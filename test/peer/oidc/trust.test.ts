import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { type OidcClient, oidcClient } from '../../../src/peer/oidc/oidc-client.ts';
import { KeysAway, publishedKeys } from '../../../src/peer/published-keys.ts';
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
  const old = await generateKeyPair('ES256');
  let now = old;
  let at = '';
  const { certificate: cert, key } = files.server;
  const server = await webServer(undefined, { tls: { cert, key } });
  const issuer = server.url;
  let nonce = '';
  const asked: string[] = [];
  const sign = (claims: Readonly<Record<string, unknown>>): Promise<string> =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer(issuer)
      .setAudience('waybill')
      .setSubject('nurse')
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(now.privateKey);
  server.answer(async ({ path }) => {
    asked.push(path);
    if (path.endsWith('/keys')) {
      const { publicKey } = path.startsWith(at) ? now : old;
      return json({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] });
    }
    if (path.endsWith('/token')) {
      const tokens = { access_token: 'a', token_type: 'Bearer', id_token: await sign({ nonce }) };
      return json(tokens);
    }
    if (path.startsWith(`${at}/authorize`)) return { status: 302, headers: { location: BACK } };
    return json({
      issuer,
      authorization_endpoint: `${issuer}${at}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}${at}/keys`,
      id_token_signing_alg_values_supported: ['ES256'],
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
    /** The paths that were asked for. */
    asked,
    /** Signs with another key, which is somewhere else; the old one stays where it was. */
    async moves() {
      now = await generateKeyPair('ES256');
      at = '/new';
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

test('a provider that never ends its answer is away, before that fills the memory', async () => {
  let sent = 0;
  const chunk = Buffer.alloc(65_536, ' ');
  const server = createServer((_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.length;
    };
    response.writeHead(200, { 'content-type': 'application/json' }).on('drain', more);
    more();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = oidcClient({
    name: 'endless',
    issuer,
    clientId: 'waybill',
    clientSecret: undefined,
    trust: undefined,
    scopes: [],
    clockSkew: 0,
    callback: BACK,
  });
  await expect(client.configuration()).rejects.toMatchObject({ kind: 'away' });
  const keys = publishedKeys(new URL(issuer));
  await expect(keys({ alg: 'RS256' }, {} as never)).rejects.toThrow(KeysAway);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
});

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

test('a provider that moved is asked where it is after one sign-in that it did not take, although its old addresses answer', async () => {
  await using own = await provider();
  const client = own.client(own.files.trust);
  const signIn = async () => {
    const { url, attempt } = await client.start(BACK);
    own.asks(attempt.nonce);
    await client.finish(new URL(`${BACK}?code=c&state=${attempt.state}`), attempt, []);
    return url.pathname;
  };
  expect(await signIn()).toBe('/authorize');
  await own.moves();
  await expect(signIn()).rejects.toMatchObject({ kind: 'refused' });
  expect(await signIn()).toBe('/new/authorize');
  await client.tryRedirect(BACK);
  // anybody can come back with what nobody sent
  own.asked.length = 0;
  for (const state of 'abc') {
    const { attempt } = await client.start(BACK);
    const stray = client.finish(new URL(`${BACK}?code=c&state=${state}`), attempt, []);
    await expect(stray).rejects.toMatchObject({ kind: 'refused' });
  }
  expect(own.asked).toEqual([]);
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
