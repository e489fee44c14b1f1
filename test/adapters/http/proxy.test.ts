import { afterEach, expect, test, vi } from 'vitest';
import httpOut from '../../../adapters/http/http-out.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { type Apache, apache, hasApache } from '../../support/apache.ts';
import { type Certificates, certificates, credentialOf } from '../../support/certificates.ts';
import { ntlmServer } from '../../support/ntlm-server.ts';
import { type OpenedOutbound, openOutbound, testSteps } from '../../support/open-adapter.ts';
import { hasNtlm } from '../../support/samba.ts';
import { type WebServer, webServer } from '../../support/web-server.ts';

const body = Buffer.from('MSH|^~\\&|A');
const account = { user: 'hub', password: 'Pr0xy-word' };

afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

const opened: AsyncDisposable[] = [];

function use<Resource extends AsyncDisposable>(resource: Resource): Resource {
  opened.unshift(resource);
  return resource;
}

interface Lab {
  readonly files: Certificates;
  readonly target: WebServer;
  readonly proxy: Apache;
  readonly credentials: Record<string, Credential>;
  readonly given: (tls?: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
  readonly open: (tls?: Readonly<Record<string, unknown>>) => Promise<OpenedOutbound>;
}

/** A target over TLS for the name other.example, reached as localhost by a real proxy that wants a sign-in. */
async function lab({ mutual = false, name = 'other.example' } = {}): Promise<Lab> {
  const files = use(await certificates());
  const shown = files.authority.issue({ commonName: name, names: [`DNS:${name}`] });
  const tls = {
    cert: shown.certificate,
    key: shown.key,
    ...(mutual && { ca: files.authority.certificate }),
  };
  const target = use(await webServer(() => ({ body: 'taken' }), { tls }));
  const proxy = use(await apache(files, { account, upstream: target.url, connect: target.port }));
  const credentials: Record<string, Credential> = {
    proxy: { kind: 'basic', ...account },
    own: files.client,
  };
  const given: Lab['given'] = (settings) => ({
    url: `${target.url}/in`,
    proxy: proxy.proxyUrl,
    proxyCredential: 'proxy',
    tls: { trust: files.trust, ...settings },
  });
  return {
    files,
    target,
    proxy,
    credentials,
    given,
    open: async (settings) => use(await openOutbound(httpOut, given(settings), { credentials })),
  };
}

const failure = (sender: OpenedOutbound): Promise<Error> =>
  sender.send(body).then(
    () => new Error('it was sent'),
    (thrown: unknown) => thrown as Error,
  );

test.runIf(hasApache)(
  'behind a proxy the certificate of the target must be for its name, as without one',
  async () => {
    const { open, target, proxy } = await lab();
    expect(await failure(await open())).toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/localhost:\d+ is for other names \(.*other\.example/),
    });
    for (const tls of [
      { serverName: 'other.example' },
      { verifyName: false, allow: ['DNS:other.example'] },
    ]) {
      expect(await (await open(tls)).send(body)).toMatchObject({ code: '200' });
    }
    expect(target.requests.map((one) => one.body)).toEqual([body, body]);
    await vi.waitFor(async () =>
      expect(await proxy.proxied()).toEqual(
        expect.arrayContaining([expect.stringMatching(/^CONNECT .*localhost:\d+ 200$/)]),
      ),
    );
  },
);

test.runIf(hasApache)('behind a proxy an allow list refuses a peer that is not on it', async () => {
  const { open, target } = await lab({ name: 'localhost' });
  for (const tls of [
    { allow: ['CN=somebody-else'] },
    { verifyName: false, allow: ['CN=somebody-else'] },
    { serverName: 'localhost', allow: ['CN=somebody-else'] },
  ]) {
    expect(await failure(await open(tls))).toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringContaining('is not on the list of allowed names'),
    });
  }
  expect(target.requests).toEqual([]);
  expect(await (await open({ allow: ['CN=localhost'] })).send(body)).toMatchObject({ code: '200' });
});

test.runIf(hasApache)(
  'behind a proxy a stranger is refused, and a renewed client certificate is shown from the next connection on',
  async () => {
    const { open, target, files, credentials, given } = await lab({
      mutual: true,
      name: 'localhost',
    });
    expect(await failure(await open({ trust: undefined, certificate: 'own' }))).toMatchObject({
      message: expect.stringContaining('authority that is not trusted here'),
    });
    expect(await failure(await open())).toMatchObject({
      message: expect.stringContaining('certificate'),
    });
    expect(target.requests).toEqual([]);
    credentials['own'] = files.expiredClient;
    const renewing = use(
      await openOutbound(
        httpOut,
        { ...given({ certificate: 'own' }), stayConnected: '0s' },
        { credentials },
      ),
    );
    expect(await failure(renewing)).toBeInstanceOf(Error);
    credentials['own'] = credentialOf(files.authority.issue({ commonName: 'client-a' }));
    expect(await renewing.send(body)).toMatchObject({ code: '200' });
    expect(target.requests).toHaveLength(1);
  },
);

test.runIf(hasApache)(
  'what a proxy refuses is told as its doing, and a dead proxy is named',
  async () => {
    const { given, credentials, target, proxy } = await lab({ name: 'localhost' });
    const tell = async (
      change: Readonly<Record<string, unknown>>,
      password = account.password,
    ): Promise<string> => {
      const options = {
        credentials: { ...credentials, proxy: { kind: 'basic', ...account, password } as const },
      };
      return (await failure(use(await openOutbound(httpOut, { ...given(), ...change }, options))))
        .message;
    };
    const place = new URL(proxy.proxyUrl).host;
    const url = target.url.replace('https:', 'http:');
    for (const unsigned of [
      await tell({ proxyCredential: undefined }),
      await tell({}, 'wrong'),
      await tell({ proxyCredential: undefined, url }),
    ]) {
      expect(unsigned).toMatch(new RegExp(`the proxy ${place} answered 407 .*proxyCredential`));
    }
    expect(await tell({ url: `https://localhost:${await freePort()}/` })).toMatch(
      new RegExp(`the proxy ${place} answered 403 .*allow that address`),
    );
    const dead = `http://localhost:${await freePort()}`;
    for (const to of [{}, { url }]) {
      expect(await tell({ ...to, proxy: dead })).toContain(
        `nothing listens on ${new URL(dead).host}`,
      );
    }
    await target.stop();
    expect(await tell({})).toMatch(/answered 50\d .*cannot reach that address/);
  },
);

test.runIf(hasApache)('a plain request is handed to the proxy as it is', async () => {
  const { given, credentials, proxy } = await lab();
  const target = use(await webServer(() => ({ body: 'taken' })));
  const plain = { ...given(), tls: undefined, url: `${target.url}/in` };
  const sender = use(await openOutbound(httpOut, plain, { credentials }));
  expect(await sender.send(body)).toMatchObject({ code: '200' });
  expect(target.requests.map((one) => one.body)).toEqual([body]);
  expect(target.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  await vi.waitFor(async () =>
    expect(await proxy.proxied()).toEqual([expect.stringMatching(/^POST .*\/in 200$/)]),
  );
});

test.runIf(hasApache && hasNtlm)('NTLM signs in a connection through the proxy', async () => {
  const server = use(await ntlmServer('Sup3r!pass'));
  const files = use(await certificates());
  const { port } = new URL(server.url);
  const proxy = use(await apache(files, { account, upstream: server.url, connect: Number(port) }));
  const sender = use(
    await openOutbound(
      httpOut,
      {
        url: `${server.url}/in`,
        credential: 'windows',
        proxy: proxy.proxyUrl,
        proxyCredential: 'proxy',
      },
      {
        credentials: {
          proxy: { kind: 'basic', ...account },
          windows: { kind: 'ntlm', ...server.account, password: 'Sup3r!pass' },
        },
      },
    ),
  );
  for (let n = 0; n < 2; n++) expect(await sender.send(body)).toMatchObject({ code: '200' });
  expect(server.requests.map(({ leg }) => leg)).toEqual([1, 3, 0]);
  await sender.close();
  await vi.waitFor(async () =>
    expect(await proxy.proxied()).toEqual([expect.stringMatching(/^CONNECT .* 200$/)]),
  );
});

test.runIf(hasApache)(
  'a connection test goes through the proxy and looks at the certificate of the target',
  async () => {
    const { given, credentials, target } = await lab();
    const good = await testSteps(httpOut, given({ serverName: 'other.example' }), { credentials });
    expect(good.map(({ name, result }) => `${name} ${result}`)).toEqual([
      'name passed',
      'TCP passed',
      'proxy passed',
      'TLS passed',
      'HTTP passed',
      'permission passed',
      'path passed',
    ]);
    expect(good[3]?.detail).toContain('other.example');
    const wrong = await testSteps(httpOut, given(), { credentials });
    expect(wrong.at(-1)).toMatchObject({
      name: 'TLS',
      result: 'failed',
      cause: expect.stringContaining(`localhost:${target.port} is for other names`),
    });
    const unsigned = { ...given(), proxyCredential: undefined };
    expect((await testSteps(httpOut, unsigned, { credentials })).at(-1)).toMatchObject({
      name: 'proxy',
      result: 'failed',
      cause: expect.stringContaining('answered 407'),
    });
  },
);
