import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { masterKey } from '../../src/credential/secret/master-key.ts';
import { secretStore } from '../../src/credential/secret/secret-store.ts';
import { fixedClock } from '../../src/time/clock.ts';
import { type CredentialSet, credentialSet } from '../support/credential-set.ts';
import {
  type OddAsked,
  type OddTokenServer,
  oddTokenServer,
  reply,
} from '../support/odd-token-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** With characters that change in every encoding, so that each of them is looked for. */
const MARKER = 'MARKER+9 /&=%secret';
const TOKEN = 'MARKER-token-9';

/** The marker as it is, and as a form, a URL, JSON or Basic would write it. */
const SPELLINGS = [
  MARKER,
  encodeURIComponent(MARKER),
  new URLSearchParams({ a: MARKER }).toString().slice(2),
  Buffer.from(MARKER).toString('base64'),
  Buffer.from(`client:${MARKER}`).toString('base64'),
  Buffer.from(`client:${new URLSearchParams({ a: MARKER }).toString().slice(2)}`).toString(
    'base64',
  ),
  TOKEN,
  'MARKER',
];

function expectNothingShown(where: string, ...shown: readonly unknown[]): void {
  for (const one of shown) {
    const texts = [
      String(one),
      JSON.stringify(one) ?? '',
      inspect(one, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
      one instanceof Error ? (one.stack ?? '') : '',
    ];
    for (const text of texts) {
      for (const spelling of [...SPELLINGS, rsa.key.slice(200, 230)])
        expect(text, where).not.toContain(spelling);
      // No assertion and no token either.
      expect(text, where).not.toMatch(/eyJ[\w-]{10,}/);
    }
  }
}

/** What a server that echoes everything it got would say in its error. */
function everything({ authorization, form }: OddAsked): string {
  return `you sent ${authorization} and ${form.toString()} and ${[...form.values()].join(' ')}`;
}

const REPLIES: Readonly<Record<string, (asked: OddAsked, response: ServerResponse) => void>> = {
  'echoes in the description': (asked, response) =>
    reply(response, 400, { error: 'invalid_client', error_description: everything(asked) }),
  'echoes the assertion alone': ({ form }, response) =>
    reply(response, 400, {
      error: 'invalid_client',
      error_description: `AADSTS9999999: ${form.get('client_assertion') ?? ''}`,
    }),
  'echoes in the error word': (asked, response) =>
    reply(response, 400, { error: everything(asked) }),
  'echoes as Entra would': (asked, response) =>
    reply(response, 401, {
      error: 'invalid_client',
      error_description: `AADSTS9999999: ${everything(asked)}`,
      error_codes: [9999999],
      trace_id: everything(asked),
      correlation_id: everything(asked),
    }),
  'echoes as a page': (asked, response) =>
    reply(response, 502, everything(asked), { 'content-type': 'text/html' }),
  'echoes in headers': (asked, response) =>
    reply(response, 503, 'no', {
      'content-type': encodeURIComponent(everything(asked)),
      'retry-after': encodeURIComponent(everything(asked)),
    }),
  'gives a token of another type': (asked, response) =>
    reply(response, 200, { access_token: TOKEN, token_type: everything(asked) }),
  'gives no token': (_, response) => reply(response, 200, { refresh_token: TOKEN }),
  'gives a token and less scope': (_, response) =>
    reply(response, 200, { access_token: TOKEN, token_type: 'Bearer', scope: 'other' }),
  hangs: () => undefined,
  drops: (_, response) => response.destroy(),
};

const authority = certificateAuthority('Leak');
const rsa = authority.issue({ commonName: 'waybill', keys: 'RSA' });
const signing = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: MARKER })
  .toString();

const WAYS: Readonly<Record<string, object>> = {
  'secret in the header': { authentication: { secret: MARKER } },
  'secret unencoded': { authentication: { secret: MARKER, secretIn: 'header-unencoded' } },
  'secret in the body': { authentication: { secret: MARKER, secretIn: 'body' } },
  'signed assertion': { authentication: { privateKeyJwt: { key: signing, passphrase: MARKER } } },
  'mutual TLS': { authentication: { mutualTls: 'own' } },
  'Entra secret': { provider: 'entra', authentication: { secret: MARKER } },
  'Entra certificate': { provider: 'entra', authentication: { certificate: 'own' } },
  'Entra federated': {
    provider: 'entra',
    authentication: { federatedToken: { environment: 'TOKEN' } },
  },
};

let behave: (asked: OddAsked, response: ServerResponse) => void;
let server: OddTokenServer;

beforeAll(async () => {
  server = await oddTokenServer((asked, response) => {
    if (asked.method === 'POST') return behave(asked, response);
    const { url } = server;
    return reply(response, 200, {
      issuer: `${url}/tenant/v2.0`,
      token_endpoint: `${url}/token`,
      authorization_endpoint: `${url}/authorize`,
      jwks_uri: `${url}/jwks`,
    });
  });
});
afterAll(() => server[Symbol.asyncDispose]());

function setFor(way: object, timeout: string): CredentialSet {
  const isEntra = 'provider' in way;
  const place = isEntra
    ? { tenant: 'tenant', authority: server.url, scope: 'https://graph.microsoft.com/.default' }
    : { tokenUrl: `${server.url}/token`, scope: 'read' };
  const values = { kind: 'oauth2', clientId: 'client', trust: server.ca, timeout };
  return credentialSet(
    {
      api: { ...values, ...place, ...way },
      own: { kind: 'certificate', ...rsa },
    },
    { environment: { TOKEN: MARKER }, clock: fixedClock(Date.now()) },
  );
}

const CASES = Object.keys(WAYS).flatMap((way) =>
  Object.keys(REPLIES).map((answer) => [way, answer] as const),
);

test.for(CASES)('%s: a server that %s leaks nothing', async ([way, answer]) => {
  behave = REPLIES[answer] ?? behave;
  await using set = setFor(WAYS[way] ?? {}, answer === 'hangs' ? '150ms' : '10s');
  const outcome = await set.token('api').catch((error: unknown) => error);
  // all but one refuse, so that there is an error that could show something
  expect(outcome instanceof Error).toBe(answer !== 'gives a token and less scope');
  const shown = outcome instanceof Error ? [outcome] : [];
  expectNothingShown(`${way}, ${answer}`, ...shown, set.lines, set.credentials);
});

test('credentials that adapters hold show no secret, and give it when it is asked for', async () => {
  await using set = credentialSet({
    basic: { kind: 'basic', user: 'u', password: MARKER },
    ntlm: { kind: 'ntlm', user: 'u', password: MARKER, domain: 'D' },
    bearer: { kind: 'bearer', token: MARKER },
    ssh: {
      kind: 'ssh-key',
      user: 'u',
      privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${MARKER}`,
      passphrase: MARKER,
      password: MARKER,
    },
    own: { kind: 'certificate', ...rsa, passphrase: MARKER },
  });
  for (const name of ['basic', 'ntlm', 'bearer', 'ssh', 'own']) {
    const credential = await set.credentials.get(name);
    expectNothingShown(name, credential, { ...credential }, [credential]);
  }
  expect(await set.credentials.get('basic')).toHaveProperty('password', MARKER);
  expect(await set.credentials.get('ssh')).toHaveProperty('passphrase', MARKER);
  expect(await set.token('bearer')).toBe(MARKER);
});

test.for([
  ['a basic entry without a user', { kind: 'basic', password: MARKER }],
  [
    'a key that does not open',
    { kind: 'certificate', certificate: rsa.certificate, key: signing, passphrase: `${MARKER}no` },
  ],
  [
    'a secret where a key belongs',
    { kind: 'certificate', certificate: rsa.certificate, key: `-----BEGIN ${MARKER}` },
  ],
  [
    'a secret where a certificate belongs',
    {
      kind: 'certificate',
      certificate: `-----BEGIN CERTIFICATE-----\n${MARKER}\n-----END CERTIFICATE-----`,
      key: rsa.key,
    },
  ],
  ['a secret where an algorithm belongs', { kind: 'jwt-key', algorithm: MARKER }],
  ['a shared secret that is too short', { kind: 'jwt-key', algorithm: 'HS512', secret: MARKER }],
  ['a token that is none', { kind: 'oauth2', clientId: 'c', tokenUrl: MARKER }],
  [
    'a proxy with a password',
    {
      kind: 'oauth2',
      clientId: 'c',
      tokenUrl: 'https://localhost:1/',
      authentication: { secret: MARKER },
      proxy: `http://u:${encodeURIComponent(MARKER)}@localhost:1`,
    },
  ],
] as const)('%s is told without the secret', async ([, values]) => {
  await using set = credentialSet({ api: values });
  const problems = await set.credentials.check();
  const errors = [
    await set.token('api').catch((error: unknown) => error),
    await set.credentials.jwt('api').catch((error: unknown) => error),
  ];
  expect(errors[0]).toBeInstanceOf(Error);
  expectNothingShown(values.kind, problems, ...errors, set.lines);
});

test('the secret store, its key and its errors show no secret', async () => {
  await using folder = await temporaryFolder('leak');
  const file = join(folder.path, 'secrets.json');
  const key = masterKey(MARKER.padEnd(20, '!'));
  const cheap = { N: 2, r: 1, p: 1 };
  const store = secretStore(file, key, cheap);
  await store.set('name', MARKER);
  const other = secretStore(file, masterKey('a quite different passphrase'), cheap);
  const refused = await other.get('name').catch((error: unknown) => error);
  await writeFile(file, '{"version":1');
  const damaged = await store.get('name').catch((error: unknown) => error);
  const short = await Promise.resolve()
    .then(() => masterKey('MARKER'))
    .catch((error: unknown) => error);
  expectNothingShown('store', key, store, refused, damaged, short);
  for (const one of [refused, damaged, short]) expect(one).toBeInstanceOf(Error);
});
