import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { tryCommand } from '../../src/cli/command/try.ts';
import { masterKey } from '../../src/credential/secret/master-key.ts';
import { secretStore } from '../../src/credential/secret/secret-store.ts';
import { ran } from '../support/command.ts';
import { productionFolder } from '../support/production.ts';
import { webServer } from '../support/web-server.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');

afterEach(() => {
  vi.unstubAllEnvs();
});

const api = (url: string): string => `production: tried
services: { in: { adapter: mllp-in, settings: { listen: 127.0.0.1:2575 }, to: api } }
operations:
  api: { adapter: http-out, settings: { url: ${url}/, credential: api } }
  other: { adapter: http-out, settings: { url: ${url}/, credential: other } }
  open: { adapter: http-out, settings: { url: ${url}/ } }
credentials:
  api: { kind: basic, user: '\${env:API_USER}', password: '\${secret:api}' }
  other: { kind: bearer, token: '\${file:/nowhere/token}' }
`;

const basic = `Basic ${Buffer.from('hub:a long password').toString('base64')}`;

test('try says which variable, secret or file is missing for the host, then signs in with the secret store', async () => {
  await using server = await webServer(({ headers }) => ({
    status: headers.authorization === basic ? 200 : 401,
    headers: { 'www-authenticate': 'Basic realm="hub"' },
  }));
  await using folder = await productionFolder({ 'production.yaml': api(server.url) });
  const data = join(folder.path, 'data');
  const args = ['--production', folder.path, '--data', data];
  vi.stubEnv('WAYBILL_MASTER_KEY', KEY);

  const bare = await ran(tryCommand(), ['api', ...args]);
  expect(bare.code).toBe(1);
  expect(bare.output).toContain('✗ credentials.api.user');
  expect(bare.output).toContain('the environment variable API_USER is not set');
  expect(bare.output).toContain('there is no secret named api');
  expect(bare.output).toContain('→ Set it: waybill secret set api.');
  expect(bare.output).not.toContain('token');

  const other = await ran(tryCommand(), ['other', ...args, '--json']);
  expect(JSON.parse(other.output)).toMatchObject([
    {
      name: 'credentials.other.token',
      result: 'failed',
      cause: expect.stringContaining('/nowhere/token'),
    },
  ]);

  vi.stubEnv('API_USER', 'hub');
  await secretStore(join(data, 'secrets.json'), masterKey(KEY)).set('api', 'a long password');
  const tried = await ran(tryCommand(), ['api', ...args]);
  expect(tried).toMatchObject({ code: 0, errors: '' });
  expect(tried.output).toContain('✓ sign-in');
});

test('what is missing or wrong elsewhere does not keep a host from being tried', async () => {
  await using server = await webServer(() => ({ status: 200 }));
  const elsewhere = `${api(server.url)}  unused: { kind: certificate, certificate: 'none' }
transforms: { broken: nowhere.yaml }
`.replace(
    'operations:',
    `operations:
  lab: { adapter: mllp-out, settings: { connect: '\${env:LAB_CONNECT}', tls: { certificate: hub } } }
  older: { adapter: mllp-outt, settings: { connection: x } }
  wrong: { adapter: http-out, settings: { url: nope } }`,
  );
  await using folder = await productionFolder({ 'production.yaml': elsewhere });
  const tried = (host: string) => ran(tryCommand(), [host, '--production', folder.path]);
  expect(await tried('open')).toMatchObject({
    code: 0,
    errors: '',
    output: expect.stringContaining('✓ HTTP'),
  });
  expect((await tried('wrong')).output).toMatch(/must begin with [^→]*$/);
  const { code, output } = await tried('lab');
  expect(code).toBe(1);
  expect(output).toContain('✗ operations.lab.settings.connect: production.yaml:4');
  expect(output).toContain('the environment variable LAB_CONNECT is not set');
  expect(output).toContain('there is no credential hub');
  expect(output).not.toMatch(/mllp-outt|API_USER|nowhere/);
  const nobody = await tried('nobody');
  expect(nobody.code).toBe(1);
  expect(nobody.output).toContain('there is no service, operation or loaded lookup nobody');
  expect((await tried('opne')).output).toContain('→ Did you mean open?');
  // the folder may also stand behind the host, as for other commands
  expect(await ran(tryCommand(), ['open', folder.path])).toMatchObject({ code: 0, errors: '' });
  expect((await ran(tryCommand(), [folder.path, 'open'])).errors).toContain(
    `the host comes first: waybill try open ${folder.path}`,
  );
});
