import { expect, test } from 'vitest';
import httpOut from '../../../adapters/http/http-out.ts';
import { entraSandbox } from '../../../sandbox/entra/entra-sandbox.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { replyRules } from '../../../src/flow/reply-rules.ts';
import { retryAfterOf } from '../../../src/peer/index.ts';
import { certificates } from '../../support/certificates.ts';
import { credentialSet } from '../../support/credential-set.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import {
  type OpenedOutbound,
  openOutbound,
  readGiven,
  testSteps,
} from '../../support/open-adapter.ts';
import { type WebServer, webServer } from '../../support/web-server.ts';

const body = Buffer.from('PATIENT-NAME');

const open = (
  server: Pick<WebServer, 'url'>,
  given: Readonly<Record<string, unknown>> = {},
  credentials: Readonly<Record<string, Credential>> = {},
): Promise<OpenedOutbound> =>
  openOutbound(httpOut, { url: `${server.url}/in`, ...given }, { credentials });

test('address, headers and content type are filled in, and no value can leave its place', async () => {
  await using server = await webServer();
  await using opened = await open(server, {
    url: `${server.url}/p/{name}/x?q={name}`,
    method: 'PUT',
    headers: ['X-Sender: {source}', 'Idempotency-Key: {id}', 'X-Empty: {""}'],
  });
  await opened.send(body, {
    name: 'a/../b?c=d&e#f é\ud800',
    charset: 'UTF-8',
    traceparent: '00-1-2-01',
  });
  const [request] = server.requests;
  expect(request).toMatchObject({
    method: 'PUT',
    path: '/p/a%2F..%2Fb%3Fc%3Dd%26e%23f%20%C3%A9%EF%BF%BD/x?q=a%2F..%2Fb%3Fc%3Dd%26e%23f%20%C3%A9%EF%BF%BD',
    headers: {
      'x-sender': 'adt-in',
      'idempotency-key': '7000001',
      'content-type': 'application/hl7-v2; charset=UTF-8',
      'content-length': String(body.length),
      traceparent: '00-1-2-01',
    },
  });
  expect(request?.headers).not.toHaveProperty('x-empty');
  await expect(opened.send(body, { name: '..' })).rejects.toMatchObject({
    code: 'ADAPTER_REJECTED',
  });
  expect(server.requests).toHaveLength(1);
});

test('a value that would break a header is refused, and not quoted', async () => {
  await using server = await webServer();
  await using opened = await open(server, { headers: ['X-Name: {name}'] });
  const error = await opened
    .send(body, { name: 'SECRET\r\nX-Evil: 1' })
    .catch((thrown: unknown) => thrown as Error);
  expect(error).toMatchObject({
    code: 'ADAPTER_REJECTED',
    message: expect.not.stringContaining('SECRET'),
  });
  expect(server.requests).toEqual([]);
});

test('the answer is a reply: status, type, body, and how long to wait', async () => {
  await using server = await webServer(() => ({
    status: 503,
    headers: { 'retry-after': '2', 'content-type': 'application/json; charset=utf-8' },
    body: '{"a":1}',
  }));
  await using opened = await open(server);
  expect(await opened.send(body)).toMatchObject({
    code: '503',
    type: 'application/json',
    retryAfter: 2_000,
    body: Buffer.from('{"a":1}'),
  });
});

test.for([
  ['201', 'complete', 'complete'],
  ['404', 'fail', 'fail'],
  ['422', 'fail', 'fail'],
  ['401', 'stop', 'stop'],
  ['429', 'retry', 'fail'],
  ['408', 'retry', 'fail'],
  ['503', 'retry', 'fail'],
  ['307', 'fail', 'fail'],
] as const)('by itself a %s means %s, at last %s', ([code, action, atLast]) => {
  const verdict = replyRules({}, httpOut.replies).onReply({ body, type: 'text/plain', code });
  expect([verdict.action, verdict.atLast]).toEqual([action, atLast]);
});

const soap11 = (code: string): string =>
  `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>${code}</faultcode><faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>`;
const soap12 = (code: string): string =>
  `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault><e:Code><e:Value>\n ${code}</e:Value></e:Code></e:Fault></e:Body></e:Envelope>`;

test.for([
  [500, 'text/xml', soap11('s:Client'), 'fail'],
  [500, 'text/xml; charset=utf-8', soap11('soap:Client.Authentication'), 'fail'],
  [500, 'application/soap+xml', soap12('e:Sender'), 'fail'],
  [500, 'application/soap+xml', soap12('e:Receiver'), 'retry'],
  [500, 'text/xml', soap11('s:Server'), 'retry'],
  [500, 'text/html', '<p>Client</p>', 'retry'],
  [200, 'text/xml', '<a><Value>Sender</Value></a>', 'complete'],
  [501, 'text/plain', '', 'fail'],
] as const)('a %i of %s that says %s means %s', async ([status, type, said, action]) => {
  await using server = await webServer(() => ({
    status,
    headers: { 'content-type': type },
    body: said,
  }));
  await using opened = await open(server);
  const reply = await opened.send(body);
  expect(replyRules({}, httpOut.replies).onReply(reply).action).toBe(action);
  // what a production says of its own stays the last word
  const own = { '5xx': 'suspend', '2xx': 'suspend' };
  expect(replyRules(own, httpOut.replies).onReply(reply).action).toBe('suspend');
});

test.for([
  ['7', 7_000],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Thu, 01 Jan 2025 00:00:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
] as const)('Retry-After %s is %s milliseconds', ([header, wait]) => {
  expect(retryAfterOf(header, Date.UTC(2026, 0, 1))).toBe(wait);
});

const KEY: Credential = { kind: 'bearer', token: async () => 'k-1' };

test.for([
  ['auto', { authorization: 'Bearer k-1' }, '/in'],
  ['header', { 'x-api-key': 'k-1' }, '/in'],
  ['cookie', { cookie: 'X-API-Key=k-1' }, '/in'],
  ['query', {}, '/in?X-API-Key=k-1'],
] as const)('an API key goes where it is wanted: %s', async ([signIn, headers, path]) => {
  await using server = await webServer();
  await using opened = await open(server, { credential: 'key', signIn }, { key: KEY });
  await opened.send(body);
  expect(server.requests).toMatchObject([{ headers, path }]);
});

const shown = (headers: { authorization?: string | undefined }): string =>
  (headers.authorization ?? '').replace('Bearer ', '');

test('a token that ran out in the middle is renewed once, and a refusal of the new one is not that of the credential', async () => {
  await using login = await entraSandbox({
    applications: [{ clientId: 'app', secrets: [{ value: 'S3cret' }] }],
    resources: ['api://lab'],
  });
  await using set = credentialSet({
    api: {
      kind: 'oauth2',
      provider: 'entra',
      tenant: login.tenant,
      authority: login.authority,
      trust: login.ca,
      clientId: 'app',
      authentication: { secret: 'S3cret' },
      scope: 'api://lab/.default',
    },
  });
  await using server = await webServer(async ({ headers }) => {
    const { valid } = await login.validate(shown(headers));
    return valid
      ? {}
      : { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
  });
  await using opened = await open(
    server,
    { credential: 'api' },
    { api: await set.credentials.get('api') },
  );
  expect(await opened.send(body)).toMatchObject({ code: '200' });
  const first = shown(server.requests[0]?.headers ?? {});
  server.answer(({ headers }) => (shown(headers) === first ? { status: 401 } : {}));
  expect(await opened.send(body)).toMatchObject({ code: '200' });
  expect(server.requests.map(({ body: sent }) => String(sent))).toEqual([
    String(body),
    String(body),
    String(body),
  ]);
  server.answer(() => ({ status: 401 }));
  // a host that is stopped waits for a person; seconds after a renewal it is too early for that
  await expect(opened.send(body)).rejects.toMatchObject({
    code: 'CREDENTIAL_UNAVAILABLE',
    retryable: true,
  });
  expect(server.requests).toHaveLength(4);
  expect(JSON.stringify([opened.log, opened.events, opened.states])).not.toContain(first);
});

test('a redirection is followed on the same host with the body, and never to another host with the credential', async () => {
  await using other = await webServer();
  await using server = await webServer(({ path }) =>
    path === '/in' ? { status: 307, headers: { location: '/there' } } : {},
  );
  await using opened = await open(server, { credential: 'key' }, { key: KEY });
  expect(await opened.send(body)).toMatchObject({ code: '200' });
  expect(server.requests.map(({ path, body: sent }) => `${path} ${String(sent)}`)).toEqual([
    `/in ${String(body)}`,
    `/there ${String(body)}`,
  ]);
  server.answer(() => ({ status: 302, headers: { location: '/there' } }));
  expect(await opened.send(body)).toMatchObject({ code: '302' });
  server.answer(() => ({ status: 307, headers: { location: `${other.url}/in` } }));
  expect(await opened.send(body)).toMatchObject({ code: '307' });
  expect(other.requests).toEqual([]);
  const headers = ['X-API-Key: written out', 'Idempotency-Key: {id}', 'X-Sender: hub'];
  const given = { credential: 'key', redirects: 'any', headers };
  await using any = await open(server, given, { key: KEY });
  expect(await any.send(body)).toMatchObject({ code: '200' });
  expect(server.requests.at(-1)?.headers).toHaveProperty('x-api-key');
  expect(other.requests[0]?.headers).not.toHaveProperty('authorization');
  expect(other.requests[0]?.headers).not.toHaveProperty('x-api-key');
  expect(other.requests[0]?.headers).toMatchObject({
    'idempotency-key': '7000001',
    'x-sender': 'hub',
  });
  server.answer(() => ({ status: 307, headers: { location: '/in' } }));
  await expect(any.send(body)).rejects.toThrow(/redirects more than 10 times/);
});

test.for([1, 20, 120])(
  'a connection that is cut after %i bytes of the answer is a temporary error',
  async (after) => {
    await using server = await webServer(() => ({ body: 'x'.repeat(500) }));
    await using proxy = await cuttingProxy(server.port);
    await using opened = await open({ url: `http://127.0.0.1:${proxy.port}` });
    proxy.cutNext('toClient', after);
    await expect(opened.send(body)).rejects.toMatchObject({ code: 'ADAPTER_TEMPORARY' });
    expect(await opened.send(body)).toMatchObject({ code: '200' });
  },
);

test('an answer that is too large is refused and not read', async () => {
  await using server = await webServer(() => ({ body: 'x'.repeat(5_000) }));
  await using opened = await open(server, { replyLimit: '1KB' });
  await expect(opened.send(body)).rejects.toMatchObject({ code: 'ADAPTER_REJECTED' });
});

test.for([
  ['of another name', 'server', { serverName: 'other.example' }, /is for other names/],
  ['expired', 'expiredServer', {}, /has expired/],
  ['of a strange authority', 'strangeServer', {}, /authority/],
] as const)(
  'a certificate that is %s ends the connection with the cause',
  async ([, which, tls, text]) => {
    await using files = await certificates();
    const { certificate: cert, key } = files[which];
    await using server = await webServer(undefined, { tls: { cert, key } });
    const given = { tls: { trust: files.trust, ...tls } };
    await using opened = await open(server, given);
    await expect(opened.send(body)).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(text),
    });
    const steps = await testSteps(httpOut, { url: `${server.url}/in`, ...given });
    expect(steps.at(-1)).toMatchObject({
      name: 'TLS',
      result: 'failed',
      cause: expect.stringMatching(text),
    });
  },
);

test('a port that speaks TLS, and one that is no web server, are named', async () => {
  await using files = await certificates();
  const { certificate: cert, key } = files.server;
  await using secure = await webServer(undefined, { tls: { cert, key } });
  const steps = await testSteps(httpOut, { url: `http://localhost:${secure.port}/in` });
  expect(steps.at(-1)).toMatchObject({
    name: 'TCP',
    result: 'failed',
    cause: expect.stringContaining('speaks TLS'),
  });
});

test.for([
  [401, 'sign-in'],
  [403, 'permission'],
  [404, 'path'],
  [500, 'path'],
] as const)('a %i fails the step %s', async ([status, name]) => {
  await using server = await webServer(({ headers }) =>
    headers.authorization === undefined ? {} : { status },
  );
  const steps = await testSteps(
    httpOut,
    { url: `${server.url}/in`, credential: 'key' },
    { credentials: { key: KEY } },
  );
  expect(steps.at(-1)).toMatchObject({
    name,
    result: 'failed',
    remedy: expect.stringMatching(/.{10,}/),
  });
});

const tried = async (server: WebServer, token: string) => {
  const key: Credential = { kind: 'bearer', token: async () => token };
  const given = { url: `${server.url}/in`, credential: 'key' };
  return await testSteps(httpOut, given, { credentials: { key } });
};
const named = (name: string) => (step: { readonly name: string }) => step.name === name;

test('a sign-in counts as tried only where the server looked at the credential', async () => {
  // takes POST alone, and looks at the method first
  await using deaf = await webServer(() => ({ status: 405 }));
  // looks at who asks for GET, and refuses HEAD before
  await using strict = await webServer(({ method, headers }) => {
    if (method === 'HEAD') return { status: 405 };
    return { status: headers.authorization === 'Bearer good' ? 200 : 401 };
  });
  expect((await tried(deaf, 'bad')).find(named('sign-in'))).toMatchObject({
    result: 'skipped',
    detail: expect.stringContaining('with and without the credential'),
  });
  expect((await tried(strict, 'bad')).at(-1)).toMatchObject({ name: 'sign-in', result: 'failed' });
  expect(new Set((await tried(strict, 'good')).map(({ result }) => result))).toEqual(
    new Set(['passed']),
  );
});

test.for([
  ['NTLM', /^the server accepts NTLM, but was sent Basic \(401\)$/, /kind ntlm$/],
  ['Negotiate, NTLM', /accepts Negotiate, NTLM, but was sent Basic/, /kind ntlm$/],
  ['Negotiate', /accepts Negotiate, but/, /kind kerberos$/],
  ['Digest realm="a, b", nonce="x", qop="auth"', /accepts Digest, but/, /signIn: digest$/],
  ['Basic realm="x", NTLM', /refuses the credential/, /Check user, password/],
] as const)(
  'a server that offers %s is told from a wrong password',
  async ([offer, cause, remedy]) => {
    await using server = await webServer(() => ({
      status: 401,
      headers: { 'www-authenticate': offer },
    }));
    const account: Credential = { kind: 'basic', user: 'a', password: 'b' };
    const given = { url: `${server.url}/in`, credential: 'key' };
    const steps = await testSteps(httpOut, given, { credentials: { key: account } });
    expect(steps.at(-1)).toMatchObject({
      name: 'sign-in',
      cause: expect.stringMatching(cause),
      remedy: expect.stringMatching(remedy),
    });
  },
);

test('a scope that was asked for and not granted fails the sign-in', async () => {
  await using server = await webServer();
  const key: Credential = {
    kind: 'oauth2',
    token: async () => 'token',
    notGranted: () => ['system/Patient.write'],
  };
  const given = { url: `${server.url}/in`, credential: 'key' };
  expect((await testSteps(httpOut, given, { credentials: { key } })).at(-1)).toMatchObject({
    name: 'sign-in',
    result: 'failed',
    cause: 'the token server did not grant what was asked for: system/Patient.write',
  });
});

test.for([
  [{ url: 'https://{name}/x' }, 'must begin with http'],
  [{ url: 'ftp://a/x' }, 'must begin with http'],
  [{ url: 'https://user:pw@a.example/x' }, 'must not contain a user and password:'],
  [{ headers: ['Authorization: Bearer x'] }, 'must not be Authorization:'],
  [{ headers: ['nonsense'] }, 'must be a header'],
] as const)('settings that would not hold are refused: %j', ([given, problem]) => {
  expect(() => readGiven(httpOut.settings, { url: 'https://a.example', ...given })).toThrow(
    problem,
  );
});

test('credential and signIn that do not go together stop the operation before a message is sent', async () => {
  await using server = await webServer();
  await expect(
    open(server, { credential: 'key', signIn: 'digest' }, { key: KEY }),
  ).rejects.toMatchObject({
    code: 'ADAPTER_DISABLED',
  });
});

test('where something was made and which version it has is kept as the text of the reply', async () => {
  await using server = await webServer(() => ({
    status: 201,
    headers: { location: '/orders/7', etag: '"v1"', 'x-trace': 't', 'set-cookie': 'session=1' },
  }));
  await using opened = await openOutbound(httpOut, { url: server.url });
  expect((await opened.send(body))?.text).toBe('Location: /orders/7\nETag: "v1"');
  await using other = await openOutbound(httpOut, {
    url: server.url,
    replyHeaders: ['X-Trace', 'Set-Cookie', 'X-None'],
  });
  expect((await other.send(body))?.text).toBe('X-Trace: t');
});

const PROBLEM =
  '{"type":"about:blank","title":"Unknown ward","detail":"ward W12 is not in the table"}';
const OUTCOME = {
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'value', diagnostics: 'ward W12 is unknown' }],
};
const REASON =
  '<e:Envelope><e:Body><e:Fault><e:Reason><e:Text xml:lang="en">a &lt; b</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>';

test.for([
  [422, 'application/problem+json', PROBLEM, 'Unknown ward: ward W12 is not in the table'],
  [
    422,
    'application/fhir+json',
    JSON.stringify(OUTCOME),
    'error: a value is not allowed: ward W12 is unknown',
  ],
  [500, 'application/json', '{"error":{"message":"read-only"}}', 'read-only'],
  [500, 'application/json', '{"error":"busy","error_description":"later"}', 'busy: later'],
  [500, 'application/json', '["x"', undefined],
  [500, 'application/json', '{"title":7}', undefined],
  [500, 'text/xml', soap11('s:Server'), 'no'],
  [500, 'application/soap+xml', REASON, 'a < b'],
  [502, 'text/html', '<html><head><title>502 Bad Gateway</title>', '502 Bad Gateway'],
  [400, 'text/plain; charset=utf-8', 'database is\r\nread-only\n', 'database is\nread-only'],
  [400, 'application/octet-stream', 'x', undefined],
  [400, 'text/plain', '', undefined],
  [400, 'text/plain', 'x'.repeat(300_000), undefined],
  [200, 'application/problem+json', PROBLEM, undefined],
] as const)('a %i of %s tells its reason: %s', async ([status, type, said, words]) => {
  await using server = await webServer(() => ({
    status,
    headers: { 'content-type': type, ...(status === 422 && { etag: '"3"' }) },
    body: said,
  }));
  await using opened = await open(server);
  const reply = await opened.send(body);
  expect(reply?.text).toBe(status === 422 ? `${words}\nETag: "3"` : words);
});
