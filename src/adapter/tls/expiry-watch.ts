import { type CertificateFacts, dateText, daysUntil } from './certificate-facts.ts';
import type { TlsLent } from './tls-files.ts';

const DAY = 86_400_000;

/** Days before an end at which a person is told again. */
const REMINDERS = [30, 14, 3, 0] as const;

/** Something that ends: `our certificate CN=hub`, `the revocation list`. */
export interface Expiring {
  readonly what: string;
  readonly end: Date;
}

/**
 * Reports what will expire, to the event log: at 30, 14 and 3 days and when it has. Looks when it is
 * told of new things and once a day after that.
 */
export class ExpiryWatch {
  readonly #lent: Pick<TlsLent, 'event'>;
  readonly #told = new Map<string, number>();
  #things: readonly Expiring[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(lent: Pick<TlsLent, 'event'>) {
    this.#lent = lent;
  }

  /** Replaces what is watched. */
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

  #remind({ what, end }: Expiring): void {
    const days = daysUntil(end);
    const due = REMINDERS.findLast((reminder) => days < reminder);
    const key = `${what} ${end.getTime()}`;
    if (due === undefined || this.#told.get(key) === due) return;
    this.#told.set(key, due);
    if (days < 0) {
      this.#lent.event('error', 'expired', `${what} expired on ${dateText(end)}. Renew it now.`);
    } else {
      this.#lent.event(
        days < 3 ? 'error' : 'warn',
        'expires-soon',
        `${what} expires on ${dateText(end)}, in ${days} days. Renew it in time.`,
      );
    }
  }
}

/** An own or a peer's certificate as something that ends. */
export function expiringCertificate(
  whose: string,
  { subject, notAfter }: CertificateFacts,
): Expiring {
  return { what: `${whose} ${subject}`, end: notAfter };
}
