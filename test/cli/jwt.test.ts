import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditLog } from '../../src/access/audit/audit-log.ts';
import { jwtCommand } from '../../src/cli/command/jwt.ts';
import { ran } from '../support/command.ts';
import { productionFolder } from '../support/production.ts';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: KeyObject): string =>
  key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }).toString();

const PRODUCTION = `production: p
services: { in: { adapter: mllp-in, settings: { listen: 127.0.0.1:2575 }, to: out } }
operations: { out: { adapter: mllp-out, settings: { connect: 127.0.0.1:2576 } } }
credentials:
  lab: { kind: jwt-key, privateKey: lab.key, issuer: https://sso.example, audience: lab }
`;

let folder: Awaited<ReturnType<typeof productionFolder>>;
beforeAll(async () => {
  folder = await productionFolder({
    'production.yaml': PRODUCTION,
    'lab.key': pem(pair.privateKey),
    'lab.pub': pem(pair.publicKey),
    'jwks.json': JSON.stringify({
      keys: [
        { ...(await exportJWK(other.publicKey)), kid: 'old' },
        { ...(await exportJWK(pair.publicKey)), kid: 'new' },
      ],
    }),
  });
});
afterAll(() => folder[Symbol.asyncDispose]());

const now = Math.floor(Date.now() / 1_000);
const GOOD = { iss: 'https://sso.example', aud: 'lab', exp: now + 600, iat: now };

async function token(
  claims: Readonly<Record<string, unknown>>,
  {
    key = pair.privateKey,
    alg = 'RS256',
    kid,
  }: { key?: KeyObject; alg?: string; kid?: string } = {},
): Promise<string> {
  const file = join(folder.path, 'token');
  const made = await new SignJWT(claims)
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
    .sign(key);
  await writeFile(file, `Authorization: Bearer ${made}\n`);
  return file;
}

interface Report {
  readonly accepted: boolean;
  readonly checks: readonly { check: string; result: string; text: string }[];
}

async function verified(file: string, ...more: readonly string[]): Promise<Report> {
  const args = more.length === 0 ? ['--key', 'lab', '--production', folder.path] : more;
  const { output, code } = await ran(jwtCommand(), ['verify', file, '--json', ...args]);
  const report = JSON.parse(output) as Report;
  expect(code).toBe(report.accepted ? 0 : 1);
  return report;
}

const failing = ({ checks }: Report): string[] =>
  checks.filter(({ result }) => result === 'failed').map(({ check }) => check);

test('a good token passes every check of a named key', async () => {
  const { checks, accepted } = await verified(await token(GOOD));
  expect(accepted).toBe(true);
  expect(checks.map(({ check, result }) => `${check} ${result}`)).toEqual([
    'form passed',
    'algorithm passed',
    'signature passed',
    'expiry passed',
    'start skipped',
    'issuer passed',
    'audience passed',
  ]);
});

test.for<[string, Record<string, unknown>, object, string[], RegExp]>([
  [
    'expired',
    { exp: now - 3_600 },
    {},
    ['expiry'],
    /expired 1h ago, .* by the clock of this machine/,
  ],
  ['without expiry', { exp: undefined }, {}, ['expiry'], /no expiry \(exp\)/],
  ['too early', { nbf: now + 600 }, {}, ['start'], /compare the clocks/],
  [
    'of another issuer',
    { iss: 'https://sso.example/' },
    {},
    ['issuer'],
    /only in the slash at the end/,
  ],
  [
    'for another audience',
    { aud: ['billing'] },
    {},
    ['audience'],
    /It is for billing, and lab is expected/,
  ],
  ['with another key', {}, { key: other.privateKey }, ['signature'], /does not belong to this key/],
  [
    'with another algorithm',
    {},
    { alg: 'PS256' },
    ['algorithm'],
    /signed with PS256, and the key is for RS256/,
  ],
  [
    'wrong in all',
    { exp: 1, iss: 'x', aud: 'y' },
    { key: other.privateKey },
    ['signature', 'expiry', 'issuer', 'audience'],
    /./,
  ],
])('a token that is %s: every check that fails is named', async ([, claims, made, fails, text]) => {
  const report = await verified(await token({ ...GOOD, ...claims }, made));
  expect(failing(report)).toEqual(fails);
  const first = report.checks.find(({ result }) => result === 'failed');
  expect(first?.text).toMatch(text);
});

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

test('an unsigned token, an encrypted one, an opaque one and one that is cut off are told apart', async () => {
  const file = join(folder.path, 'odd');
  const said = async (text: string): Promise<string> => {
    await writeFile(file, text);
    return (await verified(file)).checks.map((one) => one.text).join(' ');
  };
  expect(await said(`${part({ alg: 'none' })}.${part(GOOD)}.`)).toContain(
    'anybody can have made it',
  );
  expect(await said('a.b.c.d.e')).toContain('encrypted token (JWE');
  expect(await said('9f8a7b')).toContain('opaque token');
  expect(await said(`${part({ alg: 'RS256' })}.e30x!.x`)).toContain('damaged on the way');
  expect(await said('')).toContain('There is no token');
});

test('published keys: by kid, from a file, and a key that is not among them', async () => {
  const keys = join(folder.path, 'jwks.json');
  const good = await verified(
    await token(GOOD, { kid: 'new' }),
    '--jwks',
    keys,
    '--issuer',
    GOOD.iss,
  );
  expect(good.accepted).toBe(true);
  const old = await verified(await token(GOOD, { kid: 'old' }), '--jwks', keys);
  expect(failing(old)).toEqual(['signature']);
  const gone = await ran(jwtCommand(), [
    'verify',
    await token(GOOD, { kid: 'gone' }),
    '--jwks',
    keys,
  ]);
  expect(gone).toMatchObject({
    code: 1,
    errors: expect.stringContaining('The key that the token names (gone) is not in'),
  });
  const one = await verified(await token(GOOD), '--public-key', join(folder.path, 'lab.pub'));
  expect(one.accepted).toBe(true);
});

test('a token in place of its file is told apart, and not quoted', async () => {
  const { errors, code } = await ran(jwtCommand(), ['decode', 'eyJhbGciOiJub25lIn0.eyJzdWI.c2ln']);
  expect(code).toBe(1);
  expect(errors).toContain('standard input');
  expect(errors).not.toContain('eyJ');
});

test('decoding needs no key, shows times, and says that nothing is proven', async () => {
  const file = await token({ ...GOOD, exp: 1_800_000_000 });
  const { output, errors, code } = await ran(jwtCommand(), ['decode', file]);
  expect(code).toBe(0);
  expect(output).toContain('  alg  RS256\n');
  expect(output).toContain('  exp  1800000000  (2027-01-15T08:00:00.000Z)\n');
  expect(errors).toContain('Nothing is proven');
});

test('a token is signed with a named key; that is in the audit log, without the token', async () => {
  const data = join(folder.path, 'data');
  const args = ['--key', 'lab', '--production', folder.path, '--data', data];
  const more = [
    '--claim',
    'roles=["lab"]',
    '--claim',
    'who=7',
    '--subject',
    'anna',
    '--lifetime',
    '1h',
  ];
  const { output, code } = await ran(jwtCommand(), ['sign', ...args, ...more]);
  expect(code).toBe(0);
  const file = join(folder.path, 'signed');
  await writeFile(file, output);
  expect(await verified(file)).toMatchObject({
    accepted: true,
    claims: { roles: ['lab'], who: 7, sub: 'anna', iss: 'https://sso.example', aud: 'lab' },
  });
  await using audit = await auditLog({ data });
  const [row] = await audit.list({});
  expect(row).toMatchObject({ action: 'token.sign', object: 'credential lab', outcome: 'done' });
  expect(JSON.stringify(row)).not.toContain(output.trim().split('.')[1]);
});

test('a key is needed, and only one', async () => {
  const file = await token(GOOD);
  expect(await ran(jwtCommand(), ['verify', file])).toMatchObject({ code: 1 });
  const unknown = ['verify', file, '--key', 'lba', '--production', folder.path];
  const { code, errors } = await ran(jwtCommand(), unknown);
  expect(code).toBe(1);
  expect(errors).toContain('lba');
  const both = ['verify', file, '--key', 'lab', '--production', folder.path, '--audience', 'x'];
  const overruled = await ran(jwtCommand(), both);
  expect(overruled).toMatchObject({ code: 1, output: '' });
  expect(overruled.errors).toContain('--audience goes with --public-key or --jwks');
});
