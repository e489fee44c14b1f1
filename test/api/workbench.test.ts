import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditLog } from '../../src/access/audit/audit-log.ts';
import type {
  MadeToken,
  Material,
  TokenKeys,
  TokenReport,
} from '../../src/api/contract/workbench.ts';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { LOOKUP_FILES, LOOKUP_PRODUCTION } from '../support/bad-lookup.ts';
import { addLocalUser } from '../support/local-user.ts';
import { type Operated, operated } from '../support/operator.ts';
import { type Visitor, visitor } from '../support/visitor.ts';

const PASSWORD = 'a lantern by the ward';
const PATH = '/api/v1/workbench';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const KEY = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

let production: Operated;
let data: string;
let eva: Visitor;
let vera: Visitor;
let otto: Visitor;

beforeAll(async () => {
  production = await operated({
    administrator: false,
    production: `${LOOKUP_PRODUCTION}
credentials:
  lab: { kind: jwt-key, algorithm: ES256, privateKey: lab.key, issuer: hub, audience: lab }
`,
    files: { ...LOOKUP_FILES, 'lab.key': KEY },
  });
  data = join(production.folder.path, 'data');
  const signedIn = async (name: string, roles: string[], scope = ['*']): Promise<Visitor> => {
    await addLocalUser(data, { name, password: PASSWORD, roles, scope });
    const one = visitor(production.url);
    expect((await one.signIn(name, PASSWORD)).status).toBe(200);
    return one;
  };
  eva = await signedIn('eva', ['engineer']);
  vera = await signedIn('vera', ['operator']);
  otto = await signedIn('otto', ['engineer'], ['host:out']);
});
afterAll(async () => production[Symbol.asyncDispose]());

test('a token is made with a key of the production, recorded, and passes every check of it', async () => {
  const keys = await eva.ask<TokenKeys>('GET', `${PATH}/keys`);
  expect(keys.body).toEqual({ keys: ['lab'] });
  const order = { key: 'lab', claims: { roles: ['ward'] }, subject: 'anna' };
  const made = await eva.ask<MadeToken>('POST', `${PATH}/token/sign`, order);
  expect(made.status).toBe(200);
  const { token } = made.body;
  const checked = await vera.ask<TokenReport>('POST', `${PATH}/token`, { token, key: 'lab' });
  expect(checked.body).toMatchObject({
    accepted: true,
    header: { alg: 'ES256' },
    claims: { roles: ['ward'], sub: 'anna', iss: 'hub', aud: 'lab' },
  });
  await using audit = await auditLog({ data });
  const [row] = await audit.list({ action: 'token.sign' });
  expect(row).toMatchObject({ actor: 'eva', object: 'credential lab', outcome: 'done' });
  expect(JSON.stringify(row)).not.toContain(token.split('.')[2]);
});

test('a token that was changed is refused with the check that fails; without a key it is only read', async () => {
  const made = await eva.ask<MadeToken>('POST', `${PATH}/token/sign`, { key: 'lab', claims: {} });
  const [header, , signature] = made.body.token.split('.');
  const claims = Buffer.from(JSON.stringify({ iss: 'hub', aud: 'x', exp: 1 })).toString(
    'base64url',
  );
  const token = `${header}.${claims}.${signature}`;
  const { body } = await eva.ask<TokenReport>('POST', `${PATH}/token`, { token, key: 'lab' });
  expect(body.accepted).toBe(false);
  const failed = body.checks.filter(({ result }) => result === 'failed');
  expect(failed.map(({ check }) => check)).toEqual(['signature', 'expiry', 'audience']);
  const read = await eva.ask<TokenReport>('POST', `${PATH}/token`, { token });
  expect(read.body).toMatchObject({ accepted: false, claims: { aud: 'x' } });
});

test('only those who may, and who see the whole production, use its keys', async () => {
  const order = { key: 'lab', claims: {} };
  expect((await vera.ask('POST', `${PATH}/token/sign`, order)).status).toBe(403);
  expect((await otto.ask('POST', `${PATH}/token/sign`, order)).status).toBe(403);
  expect((await otto.ask('POST', `${PATH}/token`, { token: 'x', key: 'lab' })).status).toBe(403);
  expect((await otto.ask('GET', `${PATH}/keys`)).status).toBe(403);
  const unknown = await eva.ask('POST', `${PATH}/token/sign`, { ...order, key: 'lba' });
  expect(unknown.status).toBe(422);
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('certificates and keys are told, with nothing secret, and what is none is refused', async () => {
  const authority = certificateAuthority('Test CA');
  const { certificate, key } = authority.issue({ commonName: 'hub.example' });
  const files = [
    { name: 'hub.pem', content: base64(certificate) },
    { name: 'hub.key', content: base64(key) },
  ];
  const { status, body } = await otto.ask<Material>('POST', `${PATH}/certificate`, { files });
  expect(status).toBe(200);
  expect(body.items).toMatchObject([
    { kind: 'certificate', certificate: { subject: 'CN=hub.example', issuer: 'CN=Test CA' } },
    { kind: 'private key', type: expect.stringContaining('EC P-256') },
  ]);
  expect(body.notes.join(' ')).toContain('belongs to certificate 1');
  expect(JSON.stringify(body)).not.toContain('PRIVATE KEY-----');
  const odd = { files: [{ name: 'odd', content: base64('hello') }] };
  const refused = await otto.ask<{ detail: string }>('POST', `${PATH}/certificate`, odd);
  expect(refused.status).toBe(422);
  expect(refused.body.detail).toContain('odd is no certificate and no key');
});
