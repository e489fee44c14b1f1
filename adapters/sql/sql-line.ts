import {
  background,
  isTold,
  type Lent,
  type setting,
  timerTime,
  toldElsewhere,
  wait,
} from 'waybill/adapter';
import { SignInGuard, TimeLimit } from 'waybill/peer/basics';
import { type ConnectLent, connect } from './connect.ts';
import type { Limit, Prepared, Product, Result, SqlSession } from './database.ts';
import { SqlFailure } from './sql-failure.ts';
import { placeOfDatabase } from './sql-settings.ts';

export type LineLent = ConnectLent &
  Pick<Lent<setting.Settings>, 'signal' | 'connection' | 'event'>;

/** A firewall may have dropped a connection that was idle for so long: it is tested before it is used. */
const TRIED_AFTER = 30_000;
const TRIED_WITHIN = 3_000;
/** How much longer than `timeout` a server may take to cancel on its own. */
const GRACE = 1_000;
/** And how long it may take after being told to over another connection. */
const CANCELLED_WITHIN = 5_000;

/** Statements that go to a process of its own together. */
const TOGETHER = 100;

/** The connections of one host: one for each message in work, the last used one first; the others become idle and are closed. */
export class SqlLine {
  readonly #lent: LineLent;
  readonly #product: Product;
  readonly #all = new Set<AtWork>();
  /** Those that nobody uses, the last used one last. */
  #resting: AtWork[] = [];
  /** One for all of them: a timer for each use would cost more than the rest of the line. */
  #idle: NodeJS.Timeout | undefined;
  readonly #guard = new SignInGuard();
  readonly #closing = new AbortController();
  readonly #connecting = new Set<Promise<SqlSession>>();
  #said = '';

  constructor(lent: LineLent, product: Product) {
    this.#lent = lent;
    this.#product = product;
  }

  get place(): string {
    return placeOfDatabase(this.#lent.settings);
  }

  /** Opens the first connection, to report faults at once. */
  async open(): Promise<void> {
    await this.use(this.#lent.signal, () => Promise.resolve());
  }

  /**
   * Runs something on a separate connection. If the signal aborts, it is cancelled on the server, and the
   * connection is given up.
   */
  async use<Value>(signal: AbortSignal, work: (at: AtWork) => Promise<Value>): Promise<Value> {
    signal.throwIfAborted();
    const at = await this.#take(signal);
    at.obey(signal);
    try {
      return await work(at);
    } finally {
      at.goOnToTheEnd();
      if (at.givenUp) this.#giveUp(at);
      else this.#give(at);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    clearTimeout(this.#idle);
    await Promise.allSettled(this.#connecting);
    await Promise.all([...this.#all].map((at) => this.#forget(at).close()));
  }

  async #take(signal: AbortSignal): Promise<AtWork> {
    for (;;) {
      const at = this.#resting.pop();
      if (at === undefined) return await this.#connect(signal);
      const { session, restsSince } = at;
      if (
        session.alive &&
        (performance.now() - restsSince < TRIED_AFTER || (await answers(session)))
      )
        return at;
      this.#end(at);
    }
  }

  async #connect(signal: AbortSignal): Promise<AtWork> {
    const { lent, closing } = { lent: this.#lent, closing: this.#closing.signal };
    const until = AbortSignal.any([signal, lent.signal, closing]);
    until.throwIfAborted();
    const connecting = this.#guard.run(() => connect(lent, this.#product, until));
    this.#connecting.add(connecting);
    try {
      const session = await connecting;
      const at = new AtWork(session, lent.settings.timeout);
      this.#all.add(at);
      session.onEnd(() => this.#lost(at));
      const { server, identity, database, encryption } = session.facts;
      this.#tell(`${server}, ${database} as ${identity}, ${encryption}`);
      return at;
    } finally {
      this.#connecting.delete(connecting);
    }
  }

  #give(at: AtWork): void {
    if (!at.session.alive || this.#closing.signal.aborted) return this.#end(at);
    at.restsSince = performance.now();
    this.#resting.push(at);
    this.#watchIdle(this.#lent.settings.idle);
  }

  #watchIdle(time: number): void {
    if (this.#idle !== undefined || !Number.isFinite(time)) return;
    this.#idle = setTimeout(() => this.#endIdle(), timerTime(time)).unref();
  }

  /** Ends those that nobody has used for so long, and looks again when the next may be due. */
  #endIdle(): void {
    this.#idle = undefined;
    const { idle } = this.#lent.settings;
    const now = performance.now();
    for (const at of this.#resting) {
      const rested = now - at.restsSince;
      // a timer may be a millisecond early
      if (rested < idle - 1) return this.#watchIdle(idle - rested);
      this.#end(at);
      if (this.#all.size === 0) this.#lent.connection('waiting', 'closed while idle');
    }
  }

  #forget(at: AtWork): SqlSession {
    this.#resting = this.#resting.filter((one) => one !== at);
    this.#all.delete(at);
    at[Symbol.dispose]();
    return at.session;
  }

  #end(at: AtWork): void {
    background(this.#forget(at).close(), 'ending a session', isTold);
  }

  /** Cancels first, because the number of an ended session may be reused. */
  #giveUp(at: AtWork): void {
    const session = this.#forget(at);
    // a server that cannot be reached cancels nothing; the connection is ended in any case
    const ended = cancelSoon(session).then(() => session.close());
    background(ended, 'ending a session that was given up', isTold);
  }

  #lost(at: AtWork): void {
    const known = this.#all.has(at);
    this.#forget(at);
    if (known && this.#all.size === 0) this.#lent.connection('disconnected');
  }

  #tell(facts: string): void {
    this.#lent.connection('connected', facts);
    if (facts !== this.#said) this.#lent.event('info', 'connected', facts);
    this.#said = facts;
  }
}

/** A server that signs in and then stands still does not answer this either. */
async function cancelSoon(session: SqlSession, within = CANCELLED_WITHIN): Promise<void> {
  const cancelling = session.cancel().catch(toldElsewhere);
  await Promise.race([cancelling, wait(within, { ref: false })]);
}

async function answers(session: SqlSession): Promise<boolean> {
  using at = new AtWork(session, TRIED_WITHIN);
  try {
    await at.run({ text: 'SELECT 1', values: [] }, { rows: 1, bytes: 100 });
    return true;
  } catch {
    // it has ended, whatever the reason
    return false;
  }
}

/**
 * A session that is cancelled at the server when it takes too long or the signal aborts. It does one thing at a time, and
 * has one timer for all and one listener for what it does for a signal: each of its own would cost as much as much of a statement.
 */
export class AtWork implements Disposable {
  readonly session: SqlSession;
  readonly #timeout: number;
  readonly #cancelledWithin: number;
  readonly #limit = new TimeLimit(() => this.#late());
  #signal: AbortSignal | undefined;
  /** What is being waited for. */
  #waited: Waited | undefined;
  #isClosed = false;
  givenUp = false;
  /** Since when nobody uses it. */
  restsSince = 0;

  constructor(session: SqlSession, timeout: number, cancelledWithin = CANCELLED_WITHIN) {
    this.session = session;
    this.#timeout = timeout;
    this.#cancelledWithin = cancelledWithin;
  }

  /** From now on it works for this signal, until `goOnToTheEnd`. */
  obey(signal: AbortSignal): void {
    this.#signal = signal;
    signal.addEventListener('abort', this.#abort);
  }

  /** From now on only the time-out ends it. */
  goOnToTheEnd(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#signal = undefined;
  }

  /** Leaves no timer behind, once what is waited for has ended. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    // a driver may tell nobody that the connection has ended
    if (this.#waited !== undefined) return;
    this.goOnToTheEnd();
    this.#limit.close();
  }

  run(statement: Prepared, limit: Limit): Promise<Result> {
    return this.#guarded(() => this.session.run(statement, limit));
  }

  /** How many statements should be given to `runAll` together. */
  get together(): number {
    return this.session.runSome === undefined ? 1 : TOGETHER;
  }

  /** One after another, each within the time-out of its own. */
  async runAll(statements: readonly Prepared[], limit: Limit): Promise<readonly Result[]> {
    const results: Result[] = [];
    const some = this.session.runSome?.bind(this.session);
    if (some === undefined) {
      for (const one of statements) results.push(await this.run(one, limit));
      return results;
    }
    while (results.length < statements.length) {
      const next = statements.slice(results.length, results.length + TOGETHER);
      results.push(...(await this.#guarded(() => some(next, limit))));
    }
    return results;
  }

  begin(): Promise<void> {
    return this.#guarded(() => this.session.begin());
  }

  commit(): Promise<void> {
    return this.#guarded(() => this.session.commit());
  }

  /** If it fails, the connection is ended, which also rolls back. */
  async rollback(): Promise<void> {
    if (this.givenUp || !this.session.alive) return;
    try {
      await this.#guarded(() => this.session.rollback());
    } catch {
      // the caller throws the cause
      this.givenUp = true;
    }
  }

  #guarded<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#signal?.aborted === true) return Promise.reject(this.#signal.reason as Error);
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const waited: Waited = { reject };
    this.#waited = waited;
    this.#limit.begin(this.#timeout + GRACE);
    const failed = (error: unknown): void => {
      this.#ended(waited);
      reject(error);
    };
    const ended = (value: Value): void => {
      this.#ended(waited);
      resolve(value);
    };
    try {
      work().then(ended, failed);
    } catch (error) {
      failed(error);
    }
    return promise;
  }

  #ended(waited: Waited): void {
    // what was given up fails once its connection ends
    if (this.#waited !== waited) return;
    this.#waited = undefined;
    if (this.#isClosed) this.#limit.close();
    else this.#limit.end();
  }

  readonly #abort = (): void => {
    if (this.#waited !== undefined) this.#giveUp(this.#waited, this.#signal?.reason);
  };

  #giveUp(waited: Waited, reason: unknown): void {
    this.givenUp = true;
    this.#ended(waited);
    waited.reject(reason);
  }

  #late(): void {
    const waited = this.#waited;
    if (waited !== undefined) background(this.#cancelLate(waited), 'cancelling a late statement');
  }

  /** A server that does not cancel on its own is told to; if it ignores that too, the connection is given up. */
  async #cancelLate(waited: Waited): Promise<void> {
    // if it cannot be cancelled, it is given up below
    await cancelSoon(this.session, this.#cancelledWithin);
    await wait(this.#cancelledWithin, { ref: false });
    if (this.#waited !== waited) return;
    this.#giveUp(waited, new SqlFailure('lost', { what: 'the server did not answer in time' }));
  }
}

interface Waited {
  readonly reject: (reason: unknown) => void;
}
