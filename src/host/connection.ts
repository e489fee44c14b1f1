import type { Open } from '../adapter/adapter.ts';
import { DisableError, NotConnectedError } from '../error/adapter-error.ts';
import { background } from '../error/background.ts';
import { describeError } from '../error/engine-error.ts';
import { isTold, toldElsewhere, unless } from '../error/foreseen.ts';
import { refusedPause, reopenDelay } from '../time/back-off.ts';
import { describeDuration } from '../time/duration.ts';
import { orAbort } from '../time/or-abort.ts';
import { pause } from '../time/pause.ts';
import { timeLimit } from '../time/timer.ts';

/**
 * Keeps one adapter open.
 *
 *     opening ──► open ──lost──► waiting ──► opening …
 *        └─failed─► waiting        └──close──► closed
 *
 * `open` is called again with back-off until it works, and again after a loss. A connection that
 * opens and is lost again without having been used counts like one that does not open: the back-off
 * grows. Where only a person can help, such as with a refused password, it is tried again after minutes.
 * Adapters have limits of their own for what a peer may take; whatever they miss, such as a peer that says a byte now and
 * then, ends with an opening that takes too long.
 */
export class Connection<Opened extends Open> {
  readonly #open: Opening<Opened>;
  readonly #limit: number;
  readonly #onLost: (reason: unknown, next: number) => void;
  readonly #stop = new AbortController();
  #current: PromiseWithResolvers<Opened> = Promise.withResolvers();
  #opened: Opened | undefined;
  #lost: PromiseWithResolvers<unknown> = Promise.withResolvers();
  #ended: Promise<void> | undefined;

  constructor(
    open: Opening<Opened>,
    onLost: (reason: unknown, next: number) => void,
    limit = LONGEST_OPENING,
  ) {
    this.#open = open;
    this.#onLost = onLost;
    this.#limit = limit;
    // nobody may be waiting when a host closes
    this.#current.promise.catch(toldElsewhere);
  }

  start(): void {
    this.#ended = this.#run();
  }

  /** The open adapter, as soon as there is one; rejects when the signal aborts or the connection is closed. */
  async get(signal: AbortSignal): Promise<Opened> {
    if (this.#opened !== undefined) return this.#opened;
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([this.#current.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** The adapter while it is open. */
  get opened(): Opened | undefined {
    return this.#opened;
  }

  /** Whether it is being opened just now. */
  get isOpening(): boolean {
    return this.#isOpening;
  }
  #isOpening = false;

  /** Why it was not open the last time. */
  get failure(): unknown {
    return this.#failure;
  }
  #failure: unknown;

  /** Reports that an adapter from `get` lost its connection; a second report for the same one has no effect. */
  reopen(adapter: Opened, reason: Error): void {
    if (this.#opened === adapter) this.#lost.resolve(reason);
  }

  /** Reports that the open adapter has done some work: losing it after that starts a new back-off. */
  proven(): void {
    this.#proven = true;
  }
  #proven = false;

  /** Tries to open at once instead of waiting for the back-off. */
  retryNow(): void {
    this.#wake?.abort();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#lost.resolve(undefined);
    await this.#ended;
    this.#current.reject(new Error('closed'));
  }

  #wake: AbortController | undefined;

  async #run(): Promise<void> {
    for (let failures = 0, refusals = 0; !this.#stop.signal.aborted; ) {
      const { promise: lost, resolve } = (this.#lost = Promise.withResolvers<unknown>());
      let reason: unknown;
      try {
        this.#opened = await this.#inTime(resolve);
        const since = performance.now();
        this.#proven = false;
        refusals = 0;
        this.#current.resolve(this.#opened);
        reason = await lost;
        if (this.#proven || performance.now() - since > LASTING) failures = 0;
        await this.#closeOpened();
      } catch (error) {
        reason = error;
      }
      if (this.#stop.signal.aborted) return;
      this.#failure = reason;
      const delay = needsPerson(reason)
        ? refusedPause(++refusals)
        : Math.max(reopenDelay(failures++), askedToWait(reason));
      this.#onLost(reason, delay);
      await this.#wait(delay);
    }
  }

  /** One that opens after all when nobody waits for it any more is closed. */
  async #inTime(lost: (reason: Error) => void): Promise<Opened> {
    const late = timeLimit(this.#limit);
    const until = AbortSignal.any([late.signal, this.#stop.signal]);
    const opening = this.#open(lost, late.signal);
    this.#isOpening = true;
    try {
      return await orAbort(opening, until);
    } catch (error) {
      if (!until.aborted) throw error;
      background(
        opening.then((opened) => opened.close()),
        'closing an adapter that opened too late',
        () => true,
      );
      throw late.signal.aborted ? tooSlow(this.#limit) : error;
    } finally {
      this.#isOpening = false;
      late.stop();
    }
  }

  async #closeOpened(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (!this.#stop.signal.aborted) {
      this.#current = Promise.withResolvers();
      this.#current.promise.catch(toldElsewhere);
    }
    // an error while closing a broken connection does not matter
    await opened?.close().catch(unless(isTold, 'closing an adapter'));
  }

  async #wait(delay: number): Promise<void> {
    this.#wake = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, this.#wake.signal]);
    await pause(delay, signal);
  }
}

/** Opens an adapter; what it lends it ends with the signal, if that aborts before it is open. */
type Opening<Opened> = (lost: (reason: Error) => void, signal: AbortSignal) => Promise<Opened>;

/** Milliseconds, longer than anybody sets for connecting. */
const LONGEST_OPENING = 10 * 60_000;

const tooSlow = (limit: number): NotConnectedError =>
  new NotConnectedError(
    `Not connected: it took longer than ${describeDuration(limit)}. The peer answers, but does not come to an end. Look at its load, and at what stands between us.`,
  );

/** Milliseconds that an idle adapter must stay open to count as working. */
const LASTING = 10_000;
const LONGEST_WAIT = 10 * 60_000;

/** Whether another try is unlikely to help, and may lock an account. */
const needsPerson = (reason: unknown): boolean =>
  reason instanceof DisableError || describeError(reason).code === 'CREDENTIAL_REFUSED';

/** Milliseconds to wait before the next try, as asked by the peer or a token server. */
function askedToWait(reason: unknown): number {
  if (typeof reason !== 'object' || reason === null || !('retryAfter' in reason)) return 0;
  const { retryAfter } = reason;
  return typeof retryAfter === 'number' ? Math.min(retryAfter, LONGEST_WAIT) : 0;
}
