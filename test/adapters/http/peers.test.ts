import { expect, test, vi } from 'vitest';
import httpIn from '../../../adapters/http/http-in.ts';
import httpOut from '../../../adapters/http/http-out.ts';
import { apache, hasApache } from '../../support/apache.ts';
import { certificates } from '../../support/certificates.ts';
import { hasNginx, nginx } from '../../support/nginx.ts';
import { ntlmServer } from '../../support/ntlm-server.ts';
import { openInbound, openOutbound, streamedBody, testSteps } from '../../support/open-adapter.ts';
import { hasNtlm } from '../../support/samba.ts';
import { webServer } from '../../support/web-server.ts';

const body = Buffer.from('MSH|^~\\&|A');
const PASSWORD = 'Sup3r"pä\\ss';

test.runIf(hasNginx)(
  'nginx: a client certificate is shown, also after a redirection that keeps the body',
  async () => {
    await using files = await certificates();
    await using upstream = await webServer();
    await using peer = await nginx(files, upstream.url);
    const tls = { trust: files.trust, certificate: 'own' };
    const options = { credentials: { own: files.client } };
    await using opened = await openOutbound(httpOut, { url: `${peer.url}/moved`, tls }, options);
    const reply = await opened.send(body);
    expect([reply?.code, Buffer.from(reply?.body ?? []).toString()]).toEqual([
      '200',
      'CN=client-a',
    ]);
    await using bare = await openOutbound(httpOut, {
      url: `${peer.url}/mutual`,
      tls: { trust: files.trust },
    });
    expect(await bare.send(body)).toMatchObject({ code: '403' });
    const steps = await testSteps(httpOut, {
      url: `${peer.url}/mutual`,
      tls: { trust: files.trust },
    });
    expect(steps.at(-1)).toMatchObject({ name: 'permission', result: 'failed' });
    const strict = { url: `${peer.strictUrl}/in`, tls: { trust: files.trust } };
    expect((await testSteps(httpOut, strict)).at(-1)).toMatchObject({
      name: 'HTTP',
      result: 'failed',
      cause: 'the server wants a client certificate (400: No required SSL certificate was sent)',
    });
    const shown = { ...strict, tls: { ...strict.tls, certificate: 'own' } };
    expect((await testSteps(httpOut, shown, options)).at(-1)).toMatchObject({ result: 'passed' });
    const foreign = { credentials: { own: files.strangeClient } };
    expect((await testSteps(httpOut, shown, foreign)).at(-1)).toMatchObject({
      name: 'HTTP',
      cause: expect.stringMatching(
        /^the server does not accept the client certificate \(400: The SSL/,
      ),
    });
  },
);

test.runIf(hasNginx)(
  'nginx in front of a service passes large bodies on without holding them',
  async () => {
    await using files = await certificates();
    await using opened = await openInbound(httpIn, { listen: '127.0.0.1:0', path: '/in' });
    const [, port = ''] = /:(\d+)\//.exec(opened.states.at(-1)?.detail ?? '') ?? [];
    await using peer = await nginx(files, `http://127.0.0.1:${port}`);
    const given = { url: `${peer.url}/in`, tls: { trust: files.trust } };
    await using sender = await openOutbound(httpOut, given);
    const large = Buffer.alloc(8_000_000, 'xyz');
    expect(await sender.send(streamedBody(large), { type: 'application/pdf' })).toMatchObject({
      code: '202',
    });
    expect(await sender.send(body)).toMatchObject({ code: '202' });
    expect(opened.delivered.map((one) => one.body.length)).toEqual([large.length, body.length]);
  },
);

test.runIf(hasApache)(
  'Apache: Digest signs in, is asked once, and a wrong password ends in a 401',
  async () => {
    await using files = await certificates();
    await using upstream = await webServer();
    const account = { user: 'hub', password: PASSWORD };
    await using peer = await apache(files, { account, upstream: upstream.url });
    const given = { url: `${peer.digestUrl}/in?a=b`, credential: 'hub', signIn: 'digest' };
    const open = (password: string): ReturnType<typeof openOutbound> =>
      openOutbound(httpOut, given, {
        credentials: { hub: { kind: 'basic', user: 'hub', password } },
      });
    await using opened = await open(PASSWORD);
    for (let n = 0; n < 3; n++) expect(await opened.send(body)).toMatchObject({ code: '200' });
    expect(
      await Promise.all([1, 2, 3, 4].map(async () => (await opened.send(body))?.code)),
    ).toEqual(['200', '200', '200', '200']);
    expect(upstream.requests.map((one) => one.body)).toEqual(Array.from({ length: 7 }, () => body));
    await using wrong = await open('no');
    expect(await wrong.send(body)).toMatchObject({ code: '401' });
    expect(JSON.stringify([opened.log, wrong.log])).not.toContain('Sup3r');
  },
);

test.runIf(hasApache)(
  'Apache: without a client certificate it is said that one may be wanted',
  async () => {
    await using files = await certificates();
    await using upstream = await webServer();
    await using peer = await apache(files, {
      account: { user: 'a', password: 'b' },
      upstream: upstream.url,
    });
    const url = `${peer.mutualUrl}/in`;
    const options = { credentials: { own: files.client, other: files.strangeClient } };
    await using good = await openOutbound(
      httpOut,
      { url, tls: { trust: files.trust, certificate: 'own' } },
      options,
    );
    expect(await good.send(body)).toMatchObject({ code: '200' });
    for (const certificate of [undefined, 'other']) {
      const tls = { trust: files.trust, ...(certificate && { certificate }) };
      await using bad = await openOutbound(httpOut, { url, tls }, options);
      const error = await bad.send(body).catch((thrown: unknown) => thrown as Error);
      expect(error).toMatchObject({
        retryable: true,
        message: expect.stringMatching(/certificate/),
      });
      const steps = await testSteps(httpOut, { url, tls }, options);
      expect(steps.at(-1)).toMatchObject({ name: 'TLS', result: 'failed' });
    }
    expect(upstream.requests).toHaveLength(1);
  },
);

test.runIf(hasNtlm)(
  'Samba: NTLM signs in each connection once, and again after it was closed',
  async () => {
    await using server = await ntlmServer('Sup3r!pass');
    const { user, domain } = server.account;
    const given = { url: `${server.url}/in`, credential: 'windows' };
    const open = (password: string): ReturnType<typeof openOutbound> =>
      openOutbound(httpOut, given, {
        credentials: { windows: { kind: 'ntlm', user, domain, password } },
      });
    await using opened = await open('Sup3r!pass');
    const large = Buffer.alloc(100_000, 'x');
    for (const sent of [body, large, body]) {
      const reply = await opened.send(streamedBody(sent));
      expect([reply?.code, Buffer.from(reply?.body ?? []).toString()]).toEqual([
        '200',
        `${domain}\\${user}`,
      ]);
    }
    expect(server.requests.map(({ leg, body: sent }) => [leg, sent.length])).toEqual([
      [1, 0],
      [3, body.length],
      [0, large.length],
      [0, body.length],
    ]);
    expect(new Set(server.requests.map(({ connection }) => connection)).size).toBe(1);
    server.dropConnections();
    // The first may still go into the connection that is being closed: then it is tried again.
    await vi.waitFor(async () => expect(await opened.send(body)).toMatchObject({ code: '200' }));
    const codes = await Promise.all([1, 2, 3].map(async () => (await opened.send(body))?.code));
    expect(codes).toEqual(['200', '200', '200']);
    await using wrong = await open('no');
    expect(await wrong.send(body)).toMatchObject({ code: '401' });
  },
);
