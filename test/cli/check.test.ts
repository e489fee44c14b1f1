import { relative } from 'node:path';
import { expect, test } from 'vitest';
import { checkCommand } from '../../src/cli/command/check.ts';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import type { Problem } from '../../src/definition/problem.ts';
import { ran } from '../support/command.ts';
import { productionFolder } from '../support/production.ts';

const from = (path: string): string => relative('.', path);

const GOOD = `production: good
services: { in: { adapter: mllp-in, settings: { listen: 127.0.0.1:2575 }, to: out } }
operations: { out: { adapter: mllp-out, settings: { connect: 127.0.0.1:2576 } } }
`;

test('a production without problems is summed up in a line, with exit code 0', async () => {
  await using folder = await productionFolder({ 'p/production.yaml': GOOD });
  expect(await ran(checkCommand(), [`${folder.path}/p`])).toEqual({
    code: 0,
    output: 'good: 1 service, 0 processes, 1 operation; no problems\n',
    errors: '',
  });
});

test('problems are shown with a path that a terminal can open, with exit code 1', async () => {
  await using folder = await productionFolder({
    'p/production.yaml': GOOD.replace('to: out', 'to: uot'),
  });
  expect(await ran(checkCommand(), [`${folder.path}/p`])).toMatchObject({
    code: 1,
    output: `${from(folder.path)}/p/production.yaml:2:79 services.in.to: there is no process or operation uot. Did you mean out?\n${folder.path}/p: 1 error\n`,
  });
});

test('console.yaml and the module that it delegates to are read, too', async () => {
  await using folder = await productionFolder({
    'p/production.yaml': GOOD,
    'p/console.yaml': 'session: { idle: 30m }\nroles:\n  lab: [message.serach]\npasword: false\n',
    'q/production.yaml': GOOD.replace('good', 'better').replace('2575', '2577'),
    'q/console.yaml': 'delegated: ./directory.mjs\n',
    'q/directory.mjs': 'export default "no function";\n',
    'r/production.yaml': GOOD.replace('good', 'best').replace('2575', '2578'),
    'r/console.yaml': 'publicUrl: ${env:WAYBILL_NO_SUCH}\n',
  });
  const wrong = await ran(checkCommand(), [`${folder.path}/p`]);
  expect(wrong.code).toBe(1);
  expect(wrong.output).toContain(`${from(folder.path)}/p/console.yaml:3:9 roles.lab.0`);
  expect(wrong.output).toContain('/p/console.yaml:4:10 pasword is not a setting. Did you mean');
  expect(await ran(checkCommand(), [`${folder.path}/q`])).toMatchObject({
    code: 1,
    output: expect.stringMatching(/console\.yaml:1:12 delegated: .*has no function/),
  });
  expect(await ran(checkCommand(), [`${folder.path}/r`])).toMatchObject({ code: 1 });
  const assumed = await ran(checkCommand(), [`${folder.path}/r`, '--assume-secrets']);
  expect(assumed).toMatchObject({ code: 0 });
});

test('several productions are checked for the ports they share', async () => {
  await using folder = await productionFolder({
    'one/production.yaml': GOOD,
    'two/production.yaml': GOOD.replace('good', 'better'),
  });
  const { code, output } = await ran(checkCommand(), [`${folder.path}/one`, `${folder.path}/two`]);
  expect(code).toBe(1);
  expect(output).toContain(
    `/two/production.yaml:2:49 services.in.settings.listen: in of the production good (${folder.path}/one/production.yaml:2) already listens on port 2575.`,
  );
});

const DOCUMENT = `openapi: 3.1.0
paths: { '/orders/{number}': { put: {} } }
`;

const service = (name: string, settings: string): string =>
  `  ${name}: { adapter: http-in, settings: { listen: "127.0.0.1:8080", ${settings.slice(1)}, to: out }`;

const CLASH = '(production.yaml:3)';
const REMEDY = 'Give one of them another path, method or port.';

test.for([
  ['{ path: /a }', '{ path: /a }', `one ${CLASH} already answers POST /a on port 8080. ${REMEDY}`],
  ['{ path: /a }', '{ path: /b }', undefined],
  ['{ path: /a }', '{ path: /a, methods: [PUT] }', undefined],
  [
    "{ path: '/p/{id}' }",
    "{ path: '/p/{number}' }",
    `one ${CLASH} already answers POST /p/{} on port 8080. ${REMEDY}`,
  ],
  [
    "{ path: '/v1/*', openapi: api.yaml }",
    "{ path: '/v1/orders/{id}', methods: [PUT] }",
    `one ${CLASH} already answers PUT /v1/orders/{} on port 8080. ${REMEDY}`,
  ],
  [
    '{ path: /a, tls: { certificate: hub } }',
    '{ path: /b }',
    `one ${CLASH} listens on port 8080 with other tls. Give both the same tls, or another port.`,
  ],
] as const)('two web services on one port: %s and %s', async ([one, two, clash]) => {
  await using folder = await productionFolder({
    'api.yaml': DOCUMENT,
    'hub.pem': '',
    'production.yaml': `production: web
services:
${service('one', one)}
${service('two', two)}
operations: { out: { adapter: mllp-out, settings: { connect: a:1 } } }
credentials: { hub: { kind: certificate, certificate: hub.pem, key: hub.pem } }
`,
  });
  const { output } = await ran(checkCommand(), [folder.path, '--json']);
  const [{ problems }] = JSON.parse(output) as [{ problems: Problem[] }];
  const found = problems.filter(({ path }) => path.endsWith('listen'));
  const told = found.map(({ file, line, path, what, remedy }) =>
    [`${file}:${line}`, path, `${what}. ${remedy}`].join(' '),
  );
  const place = 'production.yaml:4 services.two.settings.listen';
  expect(told).toEqual(clash === undefined ? [] : [`${place} ${clash}`]);
});

test('secrets that are missing can be assumed', async () => {
  await using folder = await productionFolder({
    'production.yaml': `${GOOD}credentials: { a: { kind: basic, user: x, password: "\${secret:gone}" } }\n`,
  });
  const data = `--data=${folder.path}/data`;
  const strict = await ran(checkCommand(), [folder.path, data, '--json']);
  expect(strict.code).toBe(1);
  expect(JSON.parse(strict.output)).toMatchObject([
    { problems: [{ path: 'credentials.a.password', severity: 'error', line: 4 }] },
  ]);
  const assumed = await ran(checkCommand(), [folder.path, data, '--assume-secrets']);
  expect(assumed.code).toBe(0);
});

const authority = certificateAuthority('Hospital');
const hub = authority.issue({ commonName: 'hub' });
const other = authority.issue({ commonName: 'other' });

test('a key that does not belong to its certificate is an error, a file that is not there a warning', async () => {
  await using folder = await productionFolder({
    'production.yaml': `${GOOD}credentials:
  pair: { kind: certificate, certificate: hub.crt, key: other.key }
  drop: { kind: ssh-key, user: hub, privateKey: drop.key }
  public: { kind: ssh-key, user: hub, privateKey: id.pub }
`,
    'hub.crt': hub.certificate,
    'other.key': other.key,
    'id.pub': 'ssh-ed25519 AAAA hub',
  });
  const { code, output } = await ran(checkCommand(), [folder.path]);
  expect(code).toBe(1);
  expect(output).toMatch(
    /:5:\d+ credentials\.pair: the key does not belong to the certificate\. Give the key/,
  );
  expect(output).toMatch(
    /:6:\d+ warning: credentials\.drop: the file of privateKey, .*drop\.key, cannot be read/,
  );
  expect(output).toMatch(/:7:\d+ credentials\.public: privateKey .*is not PEM/);
});

test('a check needs no value: variables, files and what is made of them are assumed', async () => {
  await using folder = await productionFolder({
    'production.yaml': `${GOOD}credentials:
  user: { kind: basic, user: "\${env:GONE}", password: "\${file:/nowhere/password}" }
  pair: { kind: certificate, certificate: "\${file:/nowhere/crt}", key: "\${secret:gone}" }
  drop: { kind: ssh-key, user: hub, privateKey: nowhere.key }
  api:
    kind: oauth2
    tokenUrl: "\${env:GONE_URL}"
    clientId: "\${env:GONE_ID}"
    authentication: { mutualTls: pair }
`,
  });
  const strict = await ran(checkCommand(), [folder.path]);
  expect(strict.code).toBe(1);
  for (const what of [
    'variable GONE ',
    '/nowhere/password',
    'GONE_URL',
    'GONE_ID',
    'secret gone',
  ]) {
    expect(strict.output).toContain(what);
  }
  const assumed = await ran(checkCommand(), [folder.path, '--assume-secrets']);
  expect(assumed.output.replaceAll(/.*nothing uses it.*\n/g, '')).toMatch(
    /^good: .*; 3 warnings\n$/,
  );
  expect(assumed.code).toBe(0);
});
