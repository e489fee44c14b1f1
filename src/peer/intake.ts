import type { LentInbound } from '../adapter/adapter.ts';
import type { Settings } from '../adapter/setting.ts';
import { background } from '../error/background.ts';
import type { EngineError } from '../error/engine-error.ts';
import { isTold } from '../error/foreseen.ts';
import { UnderWay } from '../time/under-way.ts';
import { Line } from './line.ts';
import { newsFilter } from './news.ts';
import { keepStoring } from './until-stored.ts';

/** The most that may wait in memory without being kept elsewhere too, and what each message costs besides its bytes. */
const MOST_HELD = 64 * 1024 * 1024;
const HEADROOM = 1_024;

/** The work of a message, and what it takes in memory until then. */
interface Waiting {
  readonly work: () => Promise<void>;
  readonly size: number;
}

interface Keeping {
  /** Begins the event: `rabbit.example:5671: a message of lab-results`. A function is asked only if there is one. */
  readonly what: string | (() => string);
  /** Ends the tries sooner than the intake does. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which it is not tried again; without it, not before the intake ends. */
  readonly holdFor?: number;
  /** Whether a message that is refused with this error is not tried again. */
  readonly passedOver?: (error: EngineError) => boolean;
}

/**
 * What is under way between one connection to a broker and the store: messages are stored in the order in which they
 * come, so many at a time, until the connection is lost or the service stops.
 */
export class Intake {
  readonly #lent: Pick<LentInbound<Settings>, 'signal' | 'connection' | 'event'>;
  readonly #waiting = new Line<Waiting>();
  readonly #storing = new UnderWay();
  readonly #closing = new AbortController();
  readonly #lost = Promise.withResolvers<Error>();
  readonly #isNews = newsFilter();
  /** As `Kept.lost`. */
  readonly lost = this.#lost.promise;
  /** Aborts once nothing more is taken. */
  readonly signal = this.#closing.signal;
  #held = 0;
  #free: number;

  constructor(
    lent: Pick<LentInbound<Settings>, 'signal' | 'connection' | 'event'>,
    atOnce: number,
  ) {
    this.#lent = lent;
    this.#free = atOnce;
  }

  get isOver(): boolean {
    return this.signal.aborted;
  }

  /** Messages come from now on: `state` says from where. */
  opened(state: string): void {
    this.#lent.connection('connected', state);
    this.#lent.event('info', 'connected', state);
  }

  /** `ended` resolves with the reason once the connection is lost. */
  watch(ended: Promise<Error>): void {
    background(
      ended.then((reason) => this.lose(reason)),
      'hearing of a lost connection',
    );
  }

  /** The connection is lost, or of no use any more. */
  lose(reason: Error): void {
    if (this.isOver) return;
    this.#closing.abort(reason);
    this.#lent.connection('disconnected');
    this.#lost.resolve(reason);
  }

  /** Nothing more is taken, and nobody is told of a loss. */
  stop(): void {
    this.#closing.abort(new Error('closed'));
  }

  /** Stops, and waits for what is being stored, unless the engine stops by force. */
  async finish(): Promise<void> {
    this.stop();
    if (!this.#lent.signal.aborted) await this.stored();
  }

  /** Resolves once nothing is being stored. */
  async stored(): Promise<void> {
    await this.#storing.ended();
  }

  /** Begins the work of a message once it is its turn. */
  take(work: () => Promise<void>): void {
    if (!this.isOver) this.#begin({ work, size: 0 });
  }

  /** As `take`; resolves once its turn has come, before which the next message must not be asked for. */
  async takeInTurn(work: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#begin({
      work: () => {
        resolve();
        return work();
      },
      size: 0,
    });
    await promise;
  }

  /** As `take`, for a message that nobody else has. False, and nothing is done, if too much waits in memory. */
  takeOnlyCopy(size: number, work: () => Promise<void>): boolean {
    if (this.#held + size + HEADROOM > MOST_HELD) return false;
    this.hold(size, work);
    return true;
  }

  /** As `take`; counts what waits in memory. */
  hold(size: number, work: () => Promise<void>): void {
    if (this.isOver) return;
    this.#held += size + HEADROOM;
    this.#begin({ work, size: size + HEADROOM });
  }

  /** As `keepStoring`, with an event for what cannot be stored. */
  keep(
    store: () => Promise<unknown>,
    { what, passedOver, holdFor, signal = this.signal }: Keeping,
  ): Promise<boolean> {
    const waits = (error: EngineError): void => this.tell(error, what);
    return keepStoring(store, { waits, passedOver, holdFor, signal });
  }

  /** An event for a message that is not stored yet, once a minute. */
  tell({ retryable }: Pick<EngineError, 'retryable'>, what: Keeping['what']): void {
    const why = retryable ? 'cannot be stored' : 'is refused for good';
    if (!this.isNews(why)) return;
    const which = typeof what === 'string' ? what : what();
    const text = `${which} ${why}; it is kept and tried again.`;
    this.#lent.event(retryable ? 'warn' : 'error', 'not-stored-yet', text);
  }

  /** Whether an event is to be told again: once a minute. */
  isNews(key: string): boolean {
    return this.#isNews(key);
  }

  #begin(one: Waiting): void {
    if (this.#free === 0) {
      this.#waiting.add(one);
      return;
    }
    this.#free -= 1;
    this.#run(one);
  }

  #run(one: Waiting): void {
    background(this.#storing.run(this.#runAll(one)), 'taking a message', isTold);
  }

  /** One after the other, as long as some wait: a promise for each of them would cost more than storing it. */
  async #runAll(first: Waiting): Promise<void> {
    let one: Waiting | undefined = first;
    try {
      for (; one !== undefined; one = this.#waiting.next()) {
        const { size } = one;
        try {
          await one.work();
        } finally {
          this.#held -= size;
        }
      }
      this.#free += 1;
    } catch (error) {
      // the others do not wait for what nobody foresaw
      const next = this.#waiting.next();
      if (next === undefined) this.#free += 1;
      else this.#run(next);
      throw error;
    }
  }
}
