import type { ServerResponse } from 'node:http';
import type { Lent } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { newsFilter } from '../news.ts';
import type { ListenerValues } from './http-listener-settings.ts';
import type { Arrived } from './incoming.ts';
import { Refusal } from './refusal.ts';

type Lending = Pick<Lent<Settings>, 'signal' | 'event' | 'log'> & {
  readonly settings: Pick<ListenerValues, 'requestTimeout'>;
};

/** Which limit of connections was reached: that of one address, or that of all. */
export interface TooMany {
  readonly limit: 'connectionsPerAddress' | 'maxConnections';
  readonly most: number;
}

/** The requests that a service is working on, and what it tells operators of its callers: each thing once a minute. */
export class Serving {
  readonly #lent: Lending;
  readonly #working = new Map<ServerResponse, Promise<void>>();
  readonly #isNews = newsFilter();
  #closing = false;

  constructor(lent: Lending) {
    this.#lent = lent;
  }

  /** Whether nothing new is accepted. */
  get isClosing(): boolean {
    return this.#closing;
  }

  /** Throws the Refusal of a service that accepts nothing new. */
  checkOpen(): void {
    if (!this.#closing) return;
    throw new Refusal(503, 'This service is stopping. Send it again.', {
      headers: { 'retry-after': '5' },
    });
  }

  /** `work` answers the request and does not reject. */
  run({ response }: Arrived, work: Promise<void>): void {
    this.#working.set(
      response,
      work.finally(() => this.#working.delete(response)),
    );
  }

  /** Whether operators have not heard of it in the last minute. */
  isNews(address: string, what: string): boolean {
    return this.#isNews(`${address} ${what}`);
  }

  /** Tells operators of a request that was refused, if it concerns them, and logs an error of our own. */
  refused(address: string, { status, told }: Refusal, error: unknown): void {
    const { log, event } = this.#lent;
    if (!(error instanceof Refusal) && status === 500) log.error({ err: error }, 'request failed');
    // a caller that varies its origin does not cause further events
    if (told === undefined || !this.isNews(address, told.replace(/\w+:\/\/\S+/, ''))) return;
    event('warn', 'refused', `Refused ${address} (${status}): ${told}.`);
    log.warn({ peer: address, status }, 'request refused');
  }

  /** Tells operators what a page asked for in a preflight and may not do: its browser does not send the request. */
  stopped(address: string, what: string | undefined): void {
    if (what === undefined || !this.isNews(address, 'preflight')) return;
    this.#lent.event('warn', 'refused', `Refused ${address} in a preflight: ${what}.`);
  }

  /** Called when an address was refused before it sent anything. */
  tooMany(address: string, { limit, most }: TooMany): void {
    const isOfAll = limit === 'maxConnections';
    // whose connection is one too many says nothing about who holds the others
    if (!this.isNews(isOfAll ? 'all' : address, 'too many')) return;
    const why = isOfAll
      ? `there are ${most} connections already (maxConnections)`
      : `it has ${most} connections already (connectionsPerAddress)`;
    this.#lent.event('warn', 'refused', `Refused ${address}: ${why}.`);
  }

  /** Called when what an address sent never became a request; `told` follows its name. */
  unread(address: string, told: string): void {
    if (this.isNews(address, told))
      this.#lent.event('warn', 'refused', `Refused ${address}: ${told}.`);
  }

  /** An unread answer would hold its connection and memory for ever. */
  watchReading({ response, address }: Arrived): void {
    // Nearly always, all of it was sent at once.
    if (response.writableLength === 0) return;
    const { requestTimeout } = this.#lent.settings;
    if (!Number.isFinite(requestTimeout)) return;
    response.setTimeout(requestTimeout, () => {
      response.destroy();
      if (!this.isNews(address, 'answer-unread')) return;
      const text = `Closed the connection of ${address}: it does not read its answer.`;
      this.#lent.event('warn', 'answer-unread', text);
    });
  }

  /** Accepts nothing new and waits for requests in progress; a forced stop cuts them off. */
  async close(): Promise<void> {
    this.#closing = true;
    const forced = Promise.withResolvers<void>();
    const cut = (): void => {
      for (const response of this.#working.keys()) response.destroy();
      forced.resolve();
    };
    if (this.#lent.signal.aborted) cut();
    this.#lent.signal.addEventListener('abort', cut, { once: true });
    await Promise.race([Promise.allSettled(this.#working.values()), forced.promise]);
    this.#lent.signal.removeEventListener('abort', cut);
  }
}
