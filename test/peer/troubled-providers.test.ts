import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { tokenTransport } from '../../src/credential/oauth2/token-transport.ts';
import { ask } from '../../src/peer/kerberos/key-center.ts';
import { connectLdap } from '../../src/peer/ldap/ldap-connection.ts';
import { oidcClient } from '../../src/peer/oidc/oidc-client.ts';
import { publishedKeys } from '../../src/peer/published-keys.ts';
import { listening } from '../support/tcp-server.ts';

/** Whom people are signed in by: a directory, a provider, a domain. Each in the same trouble. */

type Asking = (port: number) => Promise<unknown>;

const NEVER = new AbortController().signal;
/** What these allow themselves for an answer, and some more on a busy machine. */
const MOST = 20_000;
/** For those who hear at once that nothing comes. */
const SOON = 4_000;

const ldap: Asking = async (port) => {
  const address = { host: '127.0.0.1', port };
  const server = { address, security: 'none', tls: undefined, timeout: 1_000 } as const;
  const lent = { credential: () => Promise.reject(new Error('no certificate is named')) };
  await using connection = await connectLdap(lent, server, NEVER);
  await connection.bind('cn=hub', 'pw');
};

const ASKED: Readonly<Record<string, Asking>> = {
  'a directory': ldap,
  'a domain controller': (port) => ask('LAB', [{ host: '127.0.0.1', port }], Buffer.from('asked')),
  'the keys of a provider': async (port) =>
    await publishedKeys(new URL(`http://127.0.0.1:${port}/keys`))(
      { alg: 'RS256', kid: 'k' },
      {
        payload: '',
        signature: '',
      },
    ),
  'a provider': (port) =>
    oidcClient({
      name: 'own',
      issuer: `http://127.0.0.1:${port}`,
      clientId: 'waybill',
      clientSecret: 'secret',
      clockSkew: 0,
      callback: '/callback',
      trust: undefined,
    } as unknown as Parameters<typeof oidcClient>[0]).configuration(),
  'a token server': async (port) => {
    await using transport = tokenTransport(
      { credential: 'x', trust: undefined, proxy: undefined, timeout: 1_000 },
      NEVER,
    );
    return await transport.ask(new URL(`http://127.0.0.1:${port}/token`), {
      method: 'POST',
      body: 'x',
    });
  },
};

/** A byte now and then, until the other side has enough. */
async function drip(socket: Socket, text: string): Promise<void> {
  for (const byte of text) {
    if (socket.destroyed) return;
    socket.write(byte);
    await sleep(50);
  }
}

const TROUBLES: Readonly<Record<string, readonly [most: number, (socket: Socket) => unknown]>> = {
  'that says nothing': [MOST, () => undefined],
  'that says a byte now and then': [
    MOST,
    (socket) => drip(socket, `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(10_000)}`),
  ],
  'that hangs up': [SOON, (socket) => socket.end()],
  'that breaks off': [SOON, (socket) => socket.once('data', () => socket.resetAndDestroy())],
  'that hears and hangs up': [SOON, (socket) => socket.once('data', () => socket.end())],
  'that never stops talking': [
    MOST,
    (socket) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 'x')));
      };
      socket.on('drain', more);
      more();
    },
  ],
};

const TABLE = Object.keys(ASKED).flatMap((who) =>
  Object.keys(TROUBLES).map((trouble) => [who, trouble] as const),
);

test.concurrent.for(TABLE)('%s %s costs its time-out, and is told', async ([who, trouble]) => {
  const [most, make] = TROUBLES[trouble] ?? [0, () => undefined];
  await using server = await listening(
    createServer((socket) => {
      socket.on('error', () => undefined).resume();
      make(socket);
    }),
  );
  const begin = performance.now();
  const told = await ASKED[who]?.(server.port).then(
    () => 'answered',
    (error: unknown) => error as Error,
  );
  const took = Math.round(performance.now() - begin);
  expect(took).toBeLessThan(most);
  expect(told).toBeInstanceOf(Error);
  expect((told as Error).message).toContain(`127.0.0.1:${server.port}`);
});
