import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type Records, TemporaryError } from 'waybill/adapter';

const TRIES = 5;

/**
 * What each notification carries, so that a production knows its own when one comes back to it: a subscriber at its own
 * address would be told of what it was told, without end.
 */
export class OwnMark {
  static readonly header = 'x-waybill-notifier';
  readonly #records: Records;
  #known: string | undefined;

  /** Of the production: it does not matter under which name subscriptions are kept. */
  constructor(records: (realm: string) => Records) {
    this.#records = records('fhir-notifier');
  }

  /** The mark of this production; whoever asks first makes it. */
  async made(): Promise<string> {
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#records.read<string>('mark');
      if (entry.value !== undefined) return entry.value;
      const mark = randomUUID();
      if (await this.#records.replace('mark', entry, mark)) return mark;
    }
    throw new TemporaryError('The mark of notifications is written too often at once.');
  }

  /** Whether a request is a notification of this production. */
  async isIn(headers: IncomingHttpHeaders): Promise<boolean> {
    const given = headers[OwnMark.header];
    if (given === undefined) return false;
    // of a production that has never notified there is none
    this.#known ??= (await this.#records.read<string>('mark')).value;
    return given === this.#known;
  }
}
