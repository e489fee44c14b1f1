import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { readConsoleSettings } from '../../../src/access/sign-in/console-settings.ts';
import { issuerTokens } from '../../../src/access/sign-in/issuer-tokens.ts';
import { samlProvider } from '../../../src/access/sign-in/saml/saml-provider.ts';
import { samlSettings } from '../../../src/access/sign-in/saml/saml-settings.ts';
import { certificates } from '../../support/certificates.ts';

const audience = 'waybill';

test('keys and metadata are fetched from a provider whose certificate is of an authority of one’s own', async () => {
  await using all = await certificates();
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] });
  const { certificate: cert, key } = all.server;
  const server = createServer({ cert, key }, (_, response) => response.end(keys));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
  try {
    const token = await new SignJWT({ sub: 'pipeline' })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime('5m')
      .sign(privateKey);
    const settings = { issuer, audience, jwks: `${issuer}/jwks`, everybody: ['viewer'] };
    const check = (trust: string | undefined): ReturnType<ReturnType<typeof issuerTokens>> =>
      issuerTokens([{ ...settings, algorithms: ['RS256'], ...(trust !== undefined && { trust }) }])(
        token,
        'header',
      );
    expect(await check(all.trust)).toMatchObject({ name: 'pipeline', roles: ['viewer'] });
    await expect(check(undefined)).rejects.toMatchObject({
      isUndecided: true,
      remedy: expect.stringContaining('goes under tokens.trust'),
    });
    const begun = (trust: string | undefined): Promise<unknown> => {
      const written = { name: 'adfs', metadata: `${issuer}/metadata`, everybody: ['viewer'] };
      const provider = samlProvider(
        samlSettings({ ...written, ...(trust !== undefined && { trust }) }, all.folder),
        { first: () => Promise.resolve(true) },
      );
      return provider.start({ metadata: 'm', consumer: 'c', logout: 'l' });
    };
    // what is there are keys: that is told, so it was fetched
    await expect(begun(all.trust)).rejects.toMatchObject({
      why: expect.stringContaining('not well-formed XML'),
    });
    await expect(begun(undefined)).rejects.toMatchObject({
      why: expect.stringContaining('cannot be fetched'),
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test('keys that anybody on the way could exchange are refused', async () => {
  await using all = await certificates();
  const file = join(all.folder, 'console.yaml');
  const problems = async (more: string): Promise<string> => {
    const entry = `{ issuer: https://sso, audience: waybill, algorithms: [RS256], everybody: [viewer], ${more} }`;
    await writeFile(file, `tokens:\n  - ${entry}\n`);
    return readConsoleSettings(file, {}).then(
      () => '',
      (error: Error) => error.message,
    );
  };
  expect(await problems('jwks: http://sso.example/keys')).toMatch(/tokens\.0\.jwks: write .*https/);
  expect(await problems('jwks: http://127.0.0.1.example/keys')).toMatch(/tokens\.0\.jwks: write/);
  expect(await problems('jwks: keys')).toMatch(/tokens\.0\.jwks: write .*https/);
  expect(await problems('jwks: "http://[::1]/keys"')).toBe('');
  expect(await problems('jwks: https://sso/keys, trust: no.pem')).toMatch(
    /trust: there is no file/,
  );
});
