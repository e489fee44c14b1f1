import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  CompactSign,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  type JWK,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { expect, onTestFinished, test, vi } from 'vitest';
import { JWT_ALGORITHMS } from '../../../src/credential/kind/jwt-key-settings.ts';
import { fixedClock } from '../../../src/time/clock.ts';
import { type CredentialSet, credentialSet } from '../../support/credential-set.ts';
import { oddTokenServer, reply } from '../../support/odd-token-server.ts';

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicPem = (key: KeyObject): string =>
  createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const keys: Readonly<Record<string, KeyObject>> = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  EdDSA: generateKeyPairSync('ed25519').privateKey,
};
const SECRET = 'a shared secret of more than sixty-four bytes, as HS512 needs it to be';

function keyFor(algorithm: string): object {
  return algorithm.startsWith('HS')
    ? { algorithm, secret: SECRET }
    : { algorithm, privateKey: pem(keys[algorithm] ?? rsa) };
}

function setWith(values: object, parts: Parameters<typeof credentialSet>[1] = {}): CredentialSet {
  return credentialSet({ key: { kind: 'jwt-key', ...values } }, parts);
}

test.for(Object.keys(JWT_ALGORITHMS))(
  '%s signs, and verifies what it signed',
  async (algorithm) => {
    const issuer = { issuer: 'urn:hub', audience: 'urn:lab', lifetime: '10m' };
    await using set = setWith({ ...keyFor(algorithm), ...issuer });
    const jwt = await set.credentials.jwt('key');
    const token = await jwt.sign({ mrn: '4711' }, { subject: 'hub' });
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: algorithm, typ: 'JWT' });
    const claims = await jwt.verify(token);
    expect(claims).toMatchObject({ mrn: '4711', sub: 'hub', iss: 'urn:hub', aud: 'urn:lab' });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(600);
    expect(claims['jti']).toMatch(/^[\w-]{36}$/);
  },
);

test('a public key alone verifies and does not sign', async () => {
  await using signer = setWith(keyFor('RS256'));
  await using verifier = setWith({ algorithm: 'RS256', publicKey: publicPem(rsa) });
  const token = await (await signer.credentials.jwt('key')).sign({ a: 1 });
  const jwt = await verifier.credentials.jwt('key');
  expect(await jwt.verify(token)).toMatchObject({ a: 1 });
  await expect(jwt.sign({})).rejects.toMatchObject({ code: 'CREDENTIAL_MISSING' });
});

const part = (one: object): string => Buffer.from(JSON.stringify(one)).toString('base64url');

/** Signed by hand, as an attacker would who knows only the public key. */
function forged(header: object, claims: object, secret: string): string {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const soon = Math.floor(Date.now() / 1_000) + 300;

test('a token that is signed with the public key as a shared secret is refused', async () => {
  await using set = setWith({ algorithm: 'RS256', publicKey: publicPem(rsa) });
  const token = forged({ alg: 'HS256', typ: 'JWT' }, { exp: soon }, publicPem(rsa));
  await expect((await set.credentials.jwt('key')).verify(token)).rejects.toThrow(
    'the token is not signed with RS256 (alg)',
  );
});

test('a public key is not taken as a shared secret at all', async () => {
  await using set = setWith({ algorithm: 'HS256', secret: publicPem(rsa) });
  await expect(set.credentials.jwt('key')).rejects.toThrow('the shared secret is a PEM key');
});

test('a token without a signature is refused', async () => {
  await using set = setWith(keyFor('RS256'));
  const token = new UnsecuredJWT({}).setExpirationTime('5m').encode();
  await expect((await set.credentials.jwt('key')).verify(token)).rejects.toMatchObject({
    code: 'CREDENTIAL_REFUSED',
    retryable: false,
    message: expect.stringContaining('the token is not signed with RS256 (alg)') as string,
  });
});

const sign = (claims: object, key: KeyObject = rsa, alg = 'RS256'): Promise<string> =>
  new SignJWT({ exp: soon, iss: 'urn:hub', aud: 'urn:lab', ...claims })
    .setProtectedHeader({ alg })
    .sign(key);

const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

/** From the moment of the test: on a busy machine that is long after this file was read. */
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds;

const REFUSED: readonly (readonly [string, () => Promise<string>, string])[] = [
  [
    'expired',
    () => sign({ exp: inSeconds(-700) }),
    'the token has expired (exp): 11.7m ago, and clocks may differ by 30s (clockSkew)',
  ],
  ['without expiry', () => sign({ exp: undefined }), 'the token has no expiry (exp)'],
  [
    'not valid yet',
    () => sign({ nbf: inSeconds(300) }),
    'the token is not valid yet (nbf): for another 5m, and clocks may differ by 30s (clockSkew)',
  ],
  ['for somebody else', () => sign({ aud: 'urn:other' }), 'the audience (aud) of the token'],
  ['for nobody', () => sign({ aud: undefined }), 'the token has no audience (aud)'],
  ['of another issuer', () => sign({ iss: 'urn:x' }), 'the issuer (iss) of the token'],
  ['of another key', () => sign({}, stranger), 'the signature of the token does not belong'],
  [
    'of another algorithm',
    () => sign({}, rsa, 'PS256'),
    'the token is not signed with RS256 (alg)',
  ],
  ['no token', async () => 'MSH|^~\\&|', 'the text is not a signed JSON Web Token'],
  ['changed', async () => (await sign({})).replace('.', '.e'), 'not a signed|does not belong'],
];

test.for(REFUSED)(
  'a token that is %s is refused with the check that failed',
  async ([, make, text]) => {
    const expected = { issuer: 'urn:hub', audience: 'urn:lab' };
    await using set = setWith({ ...keyFor('RS256'), ...expected });
    const jwt = await set.credentials.jwt('key');
    const error = await jwt.verify(await make()).then(
      () => expect.fail('it was taken'),
      (thrown: Error) => thrown,
    );
    const escaped = text.replaceAll(/[()]/g, String.raw`\$&`);
    expect(error.message).toMatch(new RegExp(escaped));
    expect(error.message).not.toMatch(/eyJ/);
  },
);

test('what a verifier asks for takes the place of what the key says', async () => {
  await using set = setWith({ ...keyFor('RS256'), audience: 'urn:lab' });
  const jwt = await set.credentials.jwt('key');
  const token = await sign({ aud: 'urn:other' });
  expect(await jwt.verify(token, { audience: ['urn:x', 'urn:other'] })).toBeDefined();
  await expect(jwt.verify(token, { audience: 'urn:other', required: ['mrn'] })).rejects.toThrow(
    'the token has no required claim (mrn)',
  );
});

test('a clock that is off by less than the allowance is no reason to refuse', async () => {
  const clock = fixedClock((soon + 25) * 1_000);
  await using set = setWith(keyFor('RS256'), { clock });
  const jwt = await set.credentials.jwt('key');
  expect(await jwt.verify(await sign({}))).toBeDefined();
  clock.set((soon + 31) * 1_000);
  await expect(jwt.verify(await sign({}))).rejects.toThrow('the token has expired');
});

test.for([
  [{ algorithm: 'HS256', secret: 'secret' }, 'must have at least 32 bytes'],
  [{ algorithm: 'ES256', privateKey: pem(rsa) }, 'a key of type rsa 2048 bit cannot be used'],
  [{ algorithm: 'RS256', secret: SECRET }, 'is for HS256 to HS512, not RS256'],
  [{ algorithm: 'none', secret: SECRET }, 'must be one of HS256'],
  [{ algorithm: 'HS256', privateKey: pem(rsa) }, 'HS256 uses a secret, not keys'],
  [{ algorithm: 'RS256' }, 'is required to sign'],
] as const)('a key that does not fit is refused: %s', async ([values, text]) => {
  await using set = setWith(values);
  await expect(set.credentials.jwt('key')).rejects.toThrow(text);
});

test('published keys are found by the id that a token names, and fetched once', async () => {
  const first = { ...(await exportJWK(createPublicKey(rsa))), kid: 'first', alg: 'RS256' };
  const second = { ...(await exportJWK(createPublicKey(stranger))), kid: 'second', alg: 'RS256' };
  await using server = await oddTokenServer((_, response) =>
    reply(response, 200, { keys: [first, second] }),
  );
  const trust = { jwksUrl: `${server.url}/keys`, trust: server.ca };
  await using set = setWith({ algorithm: 'RS256', ...trust });
  const token = await new SignJWT({ exp: soon })
    .setProtectedHeader({ alg: 'RS256', kid: 'second' })
    .sign(stranger);
  expect(await (await set.credentials.jwt('key')).verify(token)).toMatchObject({ exp: soon });
  expect(await (await set.credentials.jwt('key')).verify(token)).toMatchObject({ exp: soon });
  expect(server.asked.length).toBe(1);
  const unknown = await new SignJWT({ exp: soon })
    .setProtectedHeader({ alg: 'RS256', kid: 'third' })
    .sign(stranger);
  await expect((await set.credentials.jwt('key')).verify(unknown)).rejects.toThrow(
    'is not among those the signer publishes',
  );
});

const jwk = async (kid: string, key: KeyObject): Promise<JWK> => ({
  ...(await exportJWK(createPublicKey(key))),
  kid,
  alg: 'RS256',
});

test('the next key of a signer serves once it is published, and the old one as long as it is', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const [old, next] = [await jwk('old', rsa), await jwk('next', stranger)];
  let published = [old];
  await using server = await oddTokenServer((_, response) =>
    reply(response, 200, { keys: published }),
  );
  await using set = setWith({
    algorithm: 'RS256',
    jwksUrl: `${server.url}/keys`,
    trust: server.ca,
  });
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const verified = async (kid: string, key: KeyObject): Promise<unknown> => {
    const token = await new SignJWT({ exp }).setProtectedHeader({ alg: 'RS256', kid }).sign(key);
    return (await set.credentials.jwt('key')).verify(token);
  };
  expect(await verified('old', rsa)).toEqual({ exp });
  published = [next, old];
  // it is not asked again for every token that names an unknown key
  vi.setSystemTime(Date.now() + 60_000);
  expect(await verified('next', stranger)).toEqual({ exp });
  expect(await verified('old', rsa)).toEqual({ exp });
  published = [next];
  vi.setSystemTime(Date.now() + 1_200_000);
  await expect(verified('old', rsa)).rejects.toThrow('is not among those the signer publishes');
  expect(await verified('next', stranger)).toEqual({ exp });
});

test('a key that a signer exchanged under its name serves at once, and forged tokens have it asked for once a minute', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  let published = [await jwk('only', rsa)];
  await using server = await oddTokenServer((_, response) =>
    reply(response, 200, { keys: published }),
  );
  const trust = { jwksUrl: `${server.url}/keys`, trust: server.ca };
  await using set = setWith({ algorithm: 'RS256', ...trust });
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const tokenOf = (key: KeyObject): Promise<string> =>
    new SignJWT({ exp }).setProtectedHeader({ alg: 'RS256', kid: 'only' }).sign(key);
  const jwt = await set.credentials.jwt('key');
  const [old, next] = [await tokenOf(rsa), await tokenOf(stranger)];
  expect(await jwt.verify(old)).toEqual({ exp });
  published = [await jwk('only', stranger)];
  // of several that come at once, too
  expect(await Promise.all([jwt.verify(next), jwt.verify(next)])).toEqual([{ exp }, { exp }]);
  expect(server.asked).toHaveLength(2);
  for (const _ of 'abc') await expect(jwt.verify(old)).rejects.toThrow('does not belong');
  expect(server.asked).toHaveLength(2);
  published = [await jwk('only', rsa)];
  vi.setSystemTime(Date.now() + 60_000);
  expect((await jwt.inspect(old)).accepted).toBe(true);
  expect(server.asked).toHaveLength(3);
});

test('a published key that is short or broken is named as such, and others still serve', async () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey;
  const broken = { kty: 'RSA', kid: 'broken', alg: 'RS256' };
  const all = [await jwk('good', rsa), await jwk('short', short), broken];
  await using server = await oddTokenServer((_, response) => reply(response, 200, { keys: all }));
  await using set = setWith({
    algorithm: 'RS256',
    jwksUrl: `${server.url}/keys`,
    trust: server.ca,
  });
  const jwt = await set.credentials.jwt('key');
  const tokenOf = (kid: string): Promise<string> =>
    new SignJWT({ exp: soon }).setProtectedHeader({ alg: 'RS256', kid }).sign(rsa);
  for (const kid of ['short', 'broken']) {
    const token = await tokenOf(kid);
    await expect(jwt.verify(token)).rejects.toMatchObject({
      code: 'CREDENTIAL_REFUSED',
      message: expect.stringContaining('cannot be used for RS256: it is broken, or shorter'),
    });
    const { checks } = await jwt.inspect(token);
    expect(checks.find(({ check }) => check === 'signature')?.text).toContain('broken, or shorter');
  }
  expect(await jwt.verify(await tokenOf('good'))).toMatchObject({ exp: soon });
  expect(server.asked).toHaveLength(1);
});

test('a server of published keys that is down can be tried again', async () => {
  const server = await oddTokenServer((_, response) => reply(response, 200, { keys: [] }));
  await server[Symbol.asyncDispose]();
  await using set = setWith({ algorithm: 'RS256', jwksUrl: `${server.url}/keys` });
  const jwt = await set.credentials.jwt('key');
  await expect(jwt.verify(await sign({}))).rejects.toMatchObject({
    code: 'CREDENTIAL_UNAVAILABLE',
    retryable: true,
  });
});

test('while a signer is away its keys of the last day count, and a day later nobody’s', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  let status = 200;
  const only = { keys: [await jwk('only', rsa)] };
  await using server = await oddTokenServer((_, response) => reply(response, status, only));
  await using set = setWith({
    algorithm: 'RS256',
    jwksUrl: `${server.url}/keys`,
    trust: server.ca,
  });
  const exp = Math.floor(Date.now() / 1_000) + 3 * 86_400;
  const verified = async (kid = 'only'): Promise<unknown> => {
    const token = await new SignJWT({ exp }).setProtectedHeader({ alg: 'RS256', kid }).sign(rsa);
    return (await set.credentials.jwt('key')).verify(token);
  };
  const away = { code: 'CREDENTIAL_UNAVAILABLE', message: expect.stringContaining('answers 503') };
  await verified();
  status = 503;
  vi.setSystemTime(Date.now() + 3_600_000);
  expect(await verified()).toEqual({ exp });
  const asked = server.asked.length;
  expect(await verified()).toEqual({ exp });
  // a server that hangs does not hold up every request
  expect(server.asked.length).toBe(asked);
  await expect(verified('new')).rejects.toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE' });
  vi.setSystemTime(Date.now() + 86_400_000);
  await expect(verified()).rejects.toMatchObject(away);
  status = 200;
  expect(await verified()).toEqual({ exp });
});

test('what a header demands that is not known here is named, and another token inside is no claims', async () => {
  await using set = setWith({ algorithm: 'RS256', publicKey: publicPem(rsa) });
  const jwt = await set.credentials.jwt('key');
  const refused = async (header: object, payload: string): Promise<void> => {
    const token = await new CompactSign(Buffer.from(payload))
      .setProtectedHeader({ alg: 'RS256', ...header })
      .sign(rsa, { crit: { 'urn:odd': false } });
    await jwt.verify(token);
  };
  await expect(refused({ crit: ['urn:odd'], 'urn:odd': 1 }, '{}')).rejects.toThrow(
    'demands what is not known here (crit',
  );
  await expect(refused({ cty: 'JWT' }, await sign({}))).rejects.toThrow(
    'what is signed is no JSON object',
  );
});

test('a key signs under the name by which it is published', async () => {
  await using set = setWith({ ...keyFor('ES384'), keyId: 'key-7' });
  const token = await (await set.credentials.jwt('key')).sign({});
  expect(decodeProtectedHeader(token).kid).toBe('key-7');
  expect(decodeJwt(token).iss).toBeUndefined();
});

test('a key signs in to a peer with a token for each request, and one that only verifies does not', async () => {
  await using set = credentialSet({
    key: { kind: 'jwt-key', algorithm: 'HS256', secret: SECRET, issuer: 'hub', subject: 'lab' },
    verifier: { kind: 'jwt-key', publicKey: publicPem(rsa) },
    drop: { kind: 'basic', user: 'u', password: 'p' },
  });
  const signal = new AbortController().signal;
  const tokens = async (name: string): Promise<JWTPayload[]> => {
    const credential = await set.credentials.get(name);
    if (credential.kind !== 'bearer') throw new TypeError(`it is of kind ${credential.kind}`);
    return [await credential.token(signal), await credential.token(signal)].map(decodeJwt);
  };
  const shown = await tokens('key');
  expect(shown).toMatchObject([
    { iss: 'hub', sub: 'lab' },
    { iss: 'hub', sub: 'lab' },
  ]);
  expect(new Set(shown.map(({ jti }) => jti)).size).toBe(2);
  await expect(tokens('verifier')).rejects.toThrow('it has no key to sign with');
  await expect(set.credentials.jwt('drop')).rejects.toThrow(
    'it is of kind basic, but signing and verifying tokens needs kind jwt-key',
  );
});
