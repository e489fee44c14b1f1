import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { secured } from '../../../src/peer/tls/secured.ts';
import { listening } from '../../support/tcp-server.ts';

/** A connection to a server that took it, and never answers the beginning of TLS. */
async function silent(): Promise<{ readonly plain: Socket } & AsyncDisposable> {
  const server = await listening(createServer((socket) => void socket.resume()));
  const plain = connect(server.port, '127.0.0.1').on('error', () => undefined);
  await once(plain, 'connect');
  return {
    plain,
    async [Symbol.asyncDispose]() {
      plain.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

test('a peer that agreed to TLS and then says nothing is given up in time', async () => {
  await using server = await silent();
  await expect(secured(server.plain, {}, 100)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  expect(server.plain.destroyed).toBe(true);
});

test('who destroys the plain connection, before or meanwhile, ends the handshake', async () => {
  await using server = await silent();
  const begun = secured(server.plain, {}, 60_000);
  server.plain.destroy();
  await expect(begun).rejects.toMatchObject({ code: 'ECONNRESET' });
  await expect(secured(server.plain, {}, 60_000)).rejects.toMatchObject({ code: 'ECONNRESET' });
});
