import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { type CredentialSet, credentialSet, refusalOf } from '../../support/credential-set.ts';
import { type OddTokenServer, oddTokenServer, reply } from '../../support/odd-token-server.ts';

function setFor({ url, ca }: OddTokenServer, change: object = {}): CredentialSet {
  return credentialSet({
    api: {
      kind: 'oauth2',
      tokenUrl: `${url}/token`,
      clientId: 'client',
      authentication: { secret: 'secret' },
      trust: ca,
      ...change,
    },
  });
}

const good = (): Promise<OddTokenServer> =>
  oddTokenServer((_, response) => reply(response, 200, { access_token: 't', expires_in: 60 }));

test('the connection is closed once the token is there', async () => {
  await using server = await good();
  await using set = setFor(server);
  await set.token('api');
  await vi.waitFor(async () => expect(await server.connections()).toBe(0));
});

test('the connection is closed after a time-out', async () => {
  await using server = await oddTokenServer(() => undefined);
  await using set = setFor(server, { timeout: '100ms' });
  await refusalOf(set);
  await vi.waitFor(async () => expect(await server.connections()).toBe(0));
});

test('the time-out counts to the last byte', async () => {
  await using server = await oddTokenServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"access_token":');
  });
  await using set = setFor(server, { timeout: '1s' });
  expect((await refusalOf(set)).message).toContain('did not answer within 1s');
});

interface Proxy extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly (string | undefined)[];
}

/** An HTTP proxy that asks for the sign-in `Basic dXNlcjpwYXNz` (user, pass). */
async function proxy(): Promise<Proxy> {
  const asked: (string | undefined)[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer();
  server.on('connect', ({ url = '', headers }: IncomingMessage, socket: Duplex) => {
    asked.push(url);
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    if (headers['proxy-authorization'] !== 'Basic dXNlcjpwYXNz') {
      return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    }
    const { hostname, port } = new URL(`http://${url}`);
    const peer = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      peer.pipe(socket).pipe(peer);
    });
    sockets.add(peer);
    return peer.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('a proxy leads to the token server, which is still verified', async () => {
  await using server = await good();
  await using between = await proxy();
  await using set = setFor(server, { proxy: `http://user:pass@${between.url}` });
  expect(await set.token('api')).toBe('t');
  expect(between.asked).toEqual([new URL(server.url).host]);
  await using stranger = await good();
  await using wrong = setFor(server, {
    proxy: `http://user:pass@${between.url}`,
    trust: stranger.ca,
  });
  expect((await refusalOf(wrong)).message).toContain('that is not trusted here');
});

test('a proxy that wants a sign-in is told as such, without the password', async () => {
  await using server = await good();
  await using between = await proxy();
  await using set = setFor(server, { proxy: `http://user:MARKER@${between.url}` });
  const { message } = await refusalOf(set);
  expect(message).toContain(`the proxy ${between.url} answered 407 when asked to connect`);
  expect(message).toContain('give user and password in the address of proxy');
  expect(message).not.toContain('MARKER');
});
