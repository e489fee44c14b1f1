import type { CertificateFacts } from '../adapter/certificate-facts.ts';
import type { Events } from '../log/events.ts';
import { ExpiryWatch, expiringCertificate } from '../peer/tls/expiry-watch.ts';

/** A certificate presented by a peer. */
export interface PeerCertificate {
  /** The host to which the peer presented it, or `credential NAME` for a token server. */
  readonly holder: string;
  /** The expected owner of the certificate. */
  readonly name: string;
  readonly certificate: CertificateFacts;
  /** When it was last presented. */
  readonly seen: number;
}

/** A server that is addressed by more and more names must not fill the memory. */
const MOST = 500;

/**
 * The last certificate of each peer since the engine started. Their expiry is reported in the
 * host's event log, like that of our own.
 */
export class PeerCertificates {
  readonly #events: Pick<Events, 'told'>;
  readonly #known = new Map<string, PeerCertificate>();
  readonly #watches = new Map<string, ExpiryWatch>();

  constructor(events: Pick<Events, 'told'>) {
    this.#events = events;
  }

  readonly see = (holder: string, name: string, certificate: CertificateFacts): void => {
    const key = `${holder} ${name}`;
    const before = this.#known.get(key);
    // Deleted and added again, so that the one not seen for the longest comes first.
    this.#known.delete(key);
    this.#known.set(key, { holder, name, certificate, seen: Date.now() });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST) break;
      this.#known.delete(oldest);
    }
    if (before?.certificate.fingerprint !== certificate.fingerprint) this.#watch(holder);
  };

  list(): readonly PeerCertificate[] {
    return [...this.#known.values()];
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close();
  }

  #watch(holder: string): void {
    const watch =
      this.#watches.get(holder) ??
      new ExpiryWatch({
        event: (level, name, text) => this.#events.told(holder, level, name, text),
      });
    this.#watches.set(holder, watch);
    watch.watch(
      this.list()
        .filter((one) => one.holder === holder)
        .map(({ name, certificate }) =>
          expiringCertificate('peer', `the certificate of ${name}:`, certificate),
        ),
    );
  }
}
