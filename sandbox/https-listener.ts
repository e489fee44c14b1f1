import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  type CertificateAuthority,
  certificateAuthority,
} from '../src/credential/certificate-maker.ts';

export interface HttpsListenerOptions {
  /** The name of the authority, to recognize it in a trust store. */
  readonly authority: string | CertificateAuthority;
  /** The names in its certificate; the first is used in its address. Default: localhost and 127.0.0.1. */
  readonly names?: readonly ('DNS:localhost' | 'IP:127.0.0.1')[];
  /** Default: a free one. */
  readonly port?: number | undefined;
  /** Requests a certificate of the same authority from clients; those without a valid one are still accepted. */
  readonly clientCertificates?: boolean;
}

/** An HTTPS server on loopback with its own authority. */
export interface HttpsListener {
  /** `https://localhost:port`, or with the address if its certificate is only for that. */
  readonly url: string;
  readonly authority: CertificateAuthority;
  readonly server: Server;
  /** Breaks every connection. */
  close(): Promise<void>;
}

/** Listens only on 127.0.0.1: the content of a sandbox is not worth attacking, but its port would be. */
export async function httpsListener(options: HttpsListenerOptions): Promise<HttpsListener> {
  const { authority: given, names = ['DNS:localhost', 'IP:127.0.0.1'] } = options;
  const authority = typeof given === 'string' ? certificateAuthority(given) : given;
  const host = names[0] === 'IP:127.0.0.1' ? '127.0.0.1' : 'localhost';
  const own = authority.issue({ commonName: host, names });
  const server = createServer({
    cert: own.certificate,
    key: own.key,
    ca: authority.certificate,
    requestCert: options.clientCertificates === true,
    rejectUnauthorized: false,
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${host}:${port}`,
    authority,
    server,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
