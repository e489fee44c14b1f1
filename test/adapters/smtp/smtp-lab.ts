import smtpOut from '../../../adapters/smtp/smtp-out.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { type Certificates, certificates } from '../../support/certificates.ts';
import { type OpenedOutbound, openOutbound } from '../../support/open-adapter.ts';
import { type SmtpPeer, type SmtpPeerOptions, smtpPeer } from '../../support/smtp-peer.ts';

export const PASSWORD: Credential = { kind: 'basic', user: 'hub', password: 'pw-of-hub' };

/** A mail server that knows `hub`, with certificates of its own. */
export interface Lab extends AsyncDisposable {
  readonly peer: SmtpPeer;
  readonly files: Certificates;
  open(given?: Record<string, unknown>, credential?: Credential): Promise<OpenedOutbound>;
}

export async function lab(options: Partial<SmtpPeerOptions> = {}): Promise<Lab> {
  const files = await certificates();
  const peer = await smtpPeer({
    security: 'starttls',
    certificate: files.server,
    users: { hub: 'pw-of-hub' },
    ...options,
  });
  return {
    peer,
    files,
    open: (given = {}, credential = PASSWORD) =>
      openOutbound(
        smtpOut,
        { ...settings(peer, files), ...given },
        { credentials: { hub: credential } },
      ),
    async [Symbol.asyncDispose]() {
      await peer[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

export function settings(
  { port }: Pick<SmtpPeer, 'port'>,
  { trust }: Certificates,
): Record<string, unknown> {
  return {
    connect: `localhost:${port}`,
    tls: { trust },
    credential: 'hub',
    from: 'hub@hospital.example',
    to: 'registrar@hospital.example',
    connectTimeout: '2s',
  };
}
