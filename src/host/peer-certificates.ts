import type { CertificateFacts } from '../adapter/certificate-facts.ts';
import type { Events } from '../log/events.ts';
import { ExpiryWatch, expiringCertificate } from '../peer/tls/expiry-watch.ts';

/** A certificate that a peer has shown. */
export interface PeerCertificate {
  /** The host that the peer showed it to, or `credential NAME` for a token server. */
  readonly holder: string;
  /** Who should have shown it. */
  readonly name: string;
  readonly certificate: CertificateFacts;
  /** When it was last shown. */
  readonly seen: number;
}

/** A server that is addressed by ever new names must not fill the memory. */
const MOST = 500;

/**
 * What peers have shown since the engine started: the last certificate of each. Their expiry is
 * reported in the host's event log, like that of our own.
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
    // Deleted and added again, so that the one unseen for longest comes first.
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
