import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { describeProblem } from '../../src/definition/problem.ts';
import { testProduction } from '../../src/definition/test-production.ts';
import { productionFolder, sampleIn, sampleOut } from '../support/production.ts';

const SECRET = 'a shared secret of more than thirty-two bytes';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

const FILES = {
  'portal.pem': PEM,
  'production.yaml': `production: p
credentials:
  portal: { kind: jwt-key, algorithm: HS256, secret: "${SECRET}", audience: ward, issuer: portal }
  own: { kind: jwt-key, algorithm: ES256, privateKey: portal.pem, issuer: hub }
services:
  in: { adapter: sample-in, to: [router] }
processes:
  router:
    rules:
      - name: refused
        when: jwt.problem("portal", json("/token")) != ""
        send: { to: refused, transform: why }
      - name: doctors
        when: '"doctor" in jwt.verify("portal", json("/token")).roles'
        send: { to: out, transform: [to-lab, seen] }
      - name: others
        send: code
  code: { code: code.ts, run: queued, to: [out] }
operations:
  out: { adapter: sample-out, settings: { connect: lab:1 } }
  refused: { adapter: sample-out, settings: { connect: lab:1 } }
transforms: { why: why.yaml, to-lab: to-lab.yaml, seen: seen.ts }
`,
  'why.yaml': `start: empty
type: application/json
steps:
  - { set: /why, to: 'jwt.problem("portal", json("/token"))' }
`,
  'to-lab.yaml': `start: empty
type: application/json
steps:
  - { set: /for, to: 'jwt.verify("portal", json("/token")).sub' }
  - { set: /token, to: 'jwt.sign("own", {"sub": json("/who"), "scope": "lab.read"})' }
`,
  'seen.ts': `export default async ({ document, jwt }) => {
  const { sub, scope, iss } = await jwt.verify('own', document.get('/token'));
  document.set('/seen', sub + ' ' + scope + ' ' + iss);
  document.remove('/token');
  return document;
};
`,
  'code.ts': `export default async (message, context) => {
  const { sub } = await context.jwt.verify('portal', message.document().get('/token'));
  const token = await context.jwt.sign('own', { sub }, { audience: 'lab', lifetime: 60_000 });
  const claims = await context.jwt.verify('own', token, { audience: 'lab' });
  await context.send('out', { body: JSON.stringify({ code: claims.sub, for: claims.exp - claims.iat }), type: 'application/json' });
};
`,
};

const NOW = Date.parse('2026-01-15T08:00:00Z') / 1_000;

const token = (claims: object, secret = SECRET, alg = 'HS256'): Promise<string> =>
  new SignJWT({ iss: 'portal', aud: 'ward', sub: 'anna', roles: [], exp: NOW + 300, ...claims })
    .setProtectedHeader({ alg })
    .sign(Buffer.from(secret));

async function failures(given: string, expected: string): Promise<unknown> {
  await using folder = await productionFolder({
    ...FILES,
    'one.json': JSON.stringify({ token: given, who: 'berta' }),
    'production.test.yaml': `clock: 2026-01-15T08:00:00Z\ncases:\n  - { name: one, message: one.json, expect: ${expected} }\n`,
  });
  const { problems, cases } = await testProduction(folder.path, {
    adapters: [sampleIn, sampleOut],
    environment: {},
  });
  expect(problems.map(describeProblem)).toEqual([]);
  return cases.flatMap(({ failures: found }) => found);
}

test('a rule judges a token, and transforms of both kinds read and make some', async () => {
  const given = await token({ roles: ['nurse', 'doctor'] });
  const fields = '{ /for: anna, /seen: berta lab.read hub }';
  expect(await failures(given, `{ out: { fields: ${fields} } }`)).toEqual([]);
});

test('a process in code does the same', async () => {
  const given = await token({});
  expect(await failures(given, '{ out: { fields: { /code: anna, /for: "60" } } }')).toEqual([]);
});

type Refused = readonly [string, () => Promise<string>, string];

const REFUSED: readonly Refused[] = [
  ['exp', () => token({ exp: NOW - 90 }), 'the token has expired (exp): 1.5m ago'],
  ['nbf', () => token({ nbf: NOW + 90 }), 'the token is not valid yet (nbf): for another 1.5m'],
  ['aud', () => token({ aud: 'lab' }), 'the audience (aud) of the token is not the one expected'],
  ['iss', () => token({ iss: 'x' }), 'the issuer (iss) of the token is not the one expected'],
  ['alg', () => token({}, SECRET + SECRET, 'HS512'), 'the token is not signed with HS256 (alg)'],
  ['signature', () => token({}, `another ${SECRET}`), 'the signature of the token does not belong'],
  ['form', async () => 'MSH|^~', 'the text is not a signed JSON Web Token'],
];

test.for(REFUSED)('the check that failed is named: %s', async ([, make, text]) => {
  const given = await make();
  const found = await failures(given, '{ refused: { fields: { /why: "?" } } }');
  expect(JSON.stringify(found)).toContain(text);
  expect(JSON.stringify(found)).not.toContain(given.slice(0, 30));
});

test('an unsigned token is refused', async () => {
  const [, claims = ''] = (await token({})).split('.');
  const header = Buffer.from('{"alg":"none"}').toString('base64url');
  const found = await failures(`${header}.${claims}.`, '{ refused: { fields: { /why: "?" } } }');
  expect(JSON.stringify(found)).toContain('the token is not signed with HS256 (alg)');
  expect(decodeJwt(`${header}.${claims}.`).sub).toBe('anna');
});

async function problemsOf(production: string): Promise<string> {
  await using folder = await productionFolder({
    ...FILES,
    'production.yaml': production,
    'production.test.yaml': 'cases: []\n',
  });
  const { problems } = await testProduction(folder.path, {
    adapters: [sampleIn, sampleOut],
    environment: {},
  });
  return problems.map(describeProblem).join('\n');
}

test('where nothing waits for a token, and a key that does not exist, is found by check', async () => {
  const whole = FILES['production.yaml'];
  const keyed = whole.replace(
    'adapter: sample-out,',
    `adapter: sample-out, order: { by-key: 'jwt.verify("portal", json("/token")).sub' },`,
  );
  expect(await problemsOf(keyed)).toContain('jwt works in rules, transforms and TypeScript only');
  const unknown = whole.replace('jwt.problem("portal"', 'jwt.problem("portals"');
  expect(await problemsOf(unknown)).toContain(
    'there is no credential portals. Did you mean portal?',
  );
});
