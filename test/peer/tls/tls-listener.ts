import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, connect, createServer } from 'node:tls';
import { type CertificateCredential } from '../../../src/adapter/index.ts';
import { type ServerTls, serverTls, tlsServer } from '../../../src/peer/index.ts';
import { lend, type Seen } from '../../support/open-adapter.ts';

const LOOK_EVERY = 20;

export interface Listener extends AsyncDisposable, Seen {
  readonly port: number;
  readonly tls: ServerTls;
}

/** A server that greets whom it admits. */
export async function listen(
  given: Readonly<Record<string, unknown>>,
  credentials: Readonly<Record<string, CertificateCredential | (() => CertificateCredential)>>,
): Promise<Listener> {
  const resolved = {
    get hub(): CertificateCredential {
      const { hub } = credentials;
      if (hub === undefined) throw new Error('a hub certificate is needed');
      return typeof hub === 'function' ? hub() : hub;
    },
  };
  const { lent, seen } = lend({ tls: tlsServer() }, { tls: given }, { credentials: resolved });
  const { tls: settings } = lent.settings;
  if (settings === undefined) throw new Error('tls is needed');
  const tls = await serverTls(lent, settings, LOOK_EVERY);
  const server = createServer(tls.options, (socket) => {
    socket.on('error', () => undefined);
    if (tls.admits(socket)) socket.write('welcome');
  });
  tls.follow(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    ...seen,
    port: (server.address() as AddressInfo).port,
    tls,
    async [Symbol.asyncDispose]() {
      tls.close();
      server.close();
    },
  };
}

/** What a client was given. */
export interface Answer {
  readonly text: string;
  readonly serial: string | undefined;
  readonly resumed: boolean;
}

/** What a client gets: a greeting, or nothing before it is closed. */
export async function greeting(port: number, options: ConnectionOptions): Promise<Answer> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options });
  let text = '';
  socket.on('data', (data) => {
    text += data.toString();
    socket.end();
  });
  socket.on('error', () => undefined);
  let serial: string | undefined;
  let resumed = false;
  socket.on('secureConnect', () => {
    resumed = socket.isSessionReused();
    serial = socket.getPeerX509Certificate()?.serialNumber;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return { text, serial, resumed };
}

/** A certificate as a client shows it. */
export const shown = ({ certificate, key }: CertificateCredential): ConnectionOptions => ({
  cert: certificate,
  key,
});
