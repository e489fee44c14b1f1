import { type CertificateFacts, dateText, daysUntil } from '../../adapter/certificate-facts.ts';
import { type ExpiringKind, expiryNotice, type Notice } from './expiry-notice.ts';
import type { TlsLent } from './tls-files.ts';

const DAY = 86_400_000;

/** Something that expires: `our certificate CN=hub`, `the revocation list`. */
export interface Expiring {
  readonly what: string;
  readonly end: Date;
  readonly notice: Notice;
}

/**
 * Reports what will expire to the event log: for our own certificate 30, 15 and 7 days before, and
 * when it has expired. Checks when it gets new things to watch, and then once a day.
 */
export class ExpiryWatch {
  readonly #lent: Pick<TlsLent, 'event'>;
  readonly #told = new Map<string, number>();
  #things: readonly Expiring[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(lent: Pick<TlsLent, 'event'>) {
    this.#lent = lent;
  }

  /** Replaces the watched certificates. */
  watch(things: readonly Expiring[]): void {
    this.#things = things;
    this.#look();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    for (const thing of this.#things) this.#remind(thing);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), DAY).unref();
  }

  #remind({ what, end, notice: { warn, error } }: Expiring): void {
    const left = end.getTime() - Date.now();
    const days = daysUntil(end);
    const due = [warn, warn / 2, error, 0].findLast((reminder) => left < reminder);
    const key = `${what} ${end.getTime()}`;
    if (due === undefined || this.#told.get(key) === due) return;
    this.#told.set(key, due);
    if (left < 0) {
      this.#lent.event('error', 'expired', `${what} expired on ${dateText(end)}. Renew it now.`);
    } else {
      this.#lent.event(
        left < error ? 'error' : 'warn',
        'expires-soon',
        `${what} expires on ${dateText(end)}, in ${days} days. Renew it in time.`,
      );
    }
  }
}

/** Our own or a peer's certificate as something that expires. */
export function expiringCertificate(
  kind: ExpiringKind,
  whose: string,
  certificate: CertificateFacts,
): Expiring {
  const { subject, notAfter } = certificate;
  return {
    what: `${whose} ${subject}`,
    end: notAfter,
    notice: expiryNotice(kind, certificate),
  };
}

/** A revocation list, which must be replaced by its `nextUpdate`. */
export function expiringList(what: string, end: Date): Expiring {
  return { what, end, notice: expiryNotice('revocation-list', undefined) };
}
