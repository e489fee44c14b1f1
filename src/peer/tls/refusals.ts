import type { X509Certificate } from 'node:crypto';
import { certificateFacts } from '../../adapter/certificate-facts.ts';
import { connectionCause } from '../connection-cause.ts';
import { newsFilter } from '../news.ts';
import type { TlsLent } from './tls-files.ts';

/** Where the words for a peer that listens would not fit a client. */
const OF_CLIENTS: readonly (readonly [RegExp, cause: string, remedy: string])[] = [
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|RECORD_TOO_SMALL/,
    'it sent plain text to a port that speaks TLS',
    'Switch on TLS at the client, or remove tls from the settings',
  ],
  [
    /PEER_DID_NOT_RETURN_A_CERTIFICATE/,
    'it showed no certificate',
    'Give the client its certificate and key, or set clientCertificate to requested',
  ],
  [
    /HANDSHAKE_TIMEOUT/,
    'it did not finish the TLS handshake in time',
    'Switch on TLS at the client, or remove tls from the settings',
  ],
];

/**
 * Reports refused clients: who and why. The same client refused for the same reason is reported once
 * a minute, so that a misconfigured or hostile one cannot fill the event log.
 */
export class Refusals {
  readonly #lent: Pick<TlsLent, 'event' | 'log'>;
  readonly #isNews = newsFilter();

  constructor(lent: Pick<TlsLent, 'event' | 'log'>) {
    this.#lent = lent;
  }

  /** `error` as `connectionCause` takes it: with node's code, and the certificate where one was shown. */
  report(peer: string, error: Error): void {
    const { certificate } = error as { certificate?: X509Certificate };
    const code = (error as { code?: string }).code ?? error.name;
    // Balancers and port scans connect and leave; that is no news.
    if (code === 'ECONNRESET')
      return this.#lent.log.debug({ peer }, 'client left in the handshake');
    if (!this.#isNews(`${peer} ${code}`)) return;
    const { cause, remedy } = clientCause(error, code, peer);
    const who = certificate === undefined ? '' : ` (${certificateFacts(certificate).subject})`;
    this.#lent.event('warn', 'refused', `Refused ${peer}${who}: ${cause}. ${remedy}.`);
    this.#lent.log.warn({ peer, reason: code }, 'client refused');
  }
}

function clientCause(error: Error, code: string, peer: string): { cause: string; remedy: string } {
  const [, cause, remedy] = OF_CLIENTS.find(([pattern]) => pattern.test(code)) ?? [];
  return cause !== undefined && remedy !== undefined
    ? { cause, remedy }
    : connectionCause(error, peer);
}
