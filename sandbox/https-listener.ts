import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  type CertificateAuthority,
  certificateAuthority,
} from '../src/credential/certificate-maker.ts';

export interface HttpsListenerOptions {
  /** What the authority is called, to be recognised in a trust store. */
  readonly authority: string | CertificateAuthority;
  /** Whom its certificate is for, of which the first is in its address. Default: localhost and 127.0.0.1. */
  readonly names?: readonly ('DNS:localhost' | 'IP:127.0.0.1')[];
  /** Default: a free one. */
  readonly port?: number | undefined;
  /** Asks clients for a certificate of the same authority; without a good one they still get in. */
  readonly clientCertificates?: boolean;
}

/** An HTTPS server on loopback under an authority that was made for it. */
export interface HttpsListener {
  /** `https://localhost:port`, or with the address where it has a certificate for that alone. */
  readonly url: string;
  readonly authority: CertificateAuthority;
  readonly server: Server;
  /** Cuts every connection. */
  close(): Promise<void>;
}

/** Listens on 127.0.0.1 only: what a sandbox holds is not worth attacking, but its port would be. */
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
