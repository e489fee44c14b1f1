import {
  background,
  isTold,
  type Lent,
  type setting,
  timerTime,
  toldElsewhere,
  wait,
} from 'waybill/adapter';
import { PassingMap, SignInGuard } from 'waybill/peer/basics';
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
  readonly #all = new Set<SqlSession>();
  /** Since when each rests that nobody uses, the last used one last. */
  readonly #resting = new PassingMap<SqlSession, number>();
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
    const session = await this.#take(signal);
    const at = new AtWork(session, this.#lent.settings.timeout, signal);
    try {
      return await work(at);
    } finally {
      if (at.givenUp) this.#giveUp(session);
      else this.#give(session);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    clearTimeout(this.#idle);
    await Promise.allSettled(this.#connecting);
    await Promise.all([...this.#all].map((session) => this.#forget(session).close()));
  }

  async #take(signal: AbortSignal): Promise<SqlSession> {
    for (;;) {
      const session = this.#restingLast();
      if (session === undefined) return await this.#connect(signal);
      const since = this.#resting.get(session) ?? 0;
      this.#resting.delete(session);
      if (session.alive && (performance.now() - since < TRIED_AFTER || (await answers(session)))) {
        return session;
      }
      this.#end(session);
    }
  }

  async #connect(signal: AbortSignal): Promise<SqlSession> {
    const { lent, closing } = { lent: this.#lent, closing: this.#closing.signal };
    const until = AbortSignal.any([signal, lent.signal, closing]);
    until.throwIfAborted();
    const connecting = this.#guard.run(() => connect(lent, this.#product, until));
    this.#connecting.add(connecting);
    try {
      const session = await connecting;
      this.#all.add(session);
      session.onEnd(() => this.#lost(session));
      const { server, identity, database, encryption } = session.facts;
      this.#tell(`${server}, ${database} as ${identity}, ${encryption}`);
      return session;
    } finally {
      this.#connecting.delete(connecting);
    }
  }

  #give(session: SqlSession): void {
    if (!session.alive || this.#closing.signal.aborted) return this.#end(session);
    this.#resting.set(session, performance.now());
    this.#watchIdle(this.#lent.settings.idle);
  }

  #restingLast(): SqlSession | undefined {
    let last: SqlSession | undefined;
    for (const [session] of this.#resting) last = session;
    return last;
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
    for (const [session, since] of this.#resting) {
      // a timer may be a millisecond early
      if (now - since < idle - 1) return this.#watchIdle(idle - (now - since));
      this.#end(session);
      if (this.#all.size === 0) this.#lent.connection('waiting', 'closed while idle');
    }
  }

  #forget(session: SqlSession): SqlSession {
    this.#resting.delete(session);
    this.#all.delete(session);
    return session;
  }

  #end(session: SqlSession): void {
    background(this.#forget(session).close(), 'ending a session', isTold);
  }

  /** Cancels first, because the number of an ended session may be reused. */
  #giveUp(session: SqlSession): void {
    const cancelled = cancelSoon(this.#forget(session));
    // a server that cannot be reached cancels nothing; the connection is ended in any case
    const ended = cancelled.then(() => session.close());
    background(ended, 'ending a session that was given up', isTold);
  }

  #lost(session: SqlSession): void {
    const known = this.#all.has(session);
    this.#forget(session);
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
  const at = new AtWork(session, TRIED_WITHIN, new AbortController().signal);
  try {
    await at.run({ text: 'SELECT 1', values: [] }, { rows: 1, bytes: 100 });
    return true;
  } catch {
    // it has ended, whatever the reason
    return false;
  }
}

/** A session that is cancelled at the server when it takes too long or the signal aborts. */
export class AtWork {
  readonly session: SqlSession;
  readonly #timeout: number;
  readonly #cancelledWithin: number;
  #signal: AbortSignal;
  givenUp = false;

  constructor(
    session: SqlSession,
    timeout: number,
    signal: AbortSignal,
    cancelledWithin = CANCELLED_WITHIN,
  ) {
    this.session = session;
    this.#timeout = timeout;
    this.#signal = signal;
    this.#cancelledWithin = cancelledWithin;
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

  /** From now on only the time-out ends it. */
  goOnToTheEnd(): void {
    this.#signal = new AbortController().signal;
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
    const signal = this.#signal;
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const state = { over: false };
    const abort = (): void => {
      this.givenUp = true;
      // what was given up fails once its connection ends
      end();
      reject(signal.reason as Error);
    };
    const late = Number.isFinite(this.#timeout)
      ? setTimeout(
          () => {
            this.#cancelLate(state).catch((error: unknown) => {
              end();
              reject(error);
            });
          },
          timerTime(this.#timeout + GRACE),
        )
      : undefined;
    const end = (): void => {
      state.over = true;
      clearTimeout(late);
      signal.removeEventListener('abort', abort);
    };
    signal.addEventListener('abort', abort);
    const failed = (error: unknown): void => {
      end();
      reject(error);
    };
    const ended = (value: Value): void => {
      end();
      resolve(value);
    };
    work().then(ended, failed);
    return promise;
  }

  /** A server that does not cancel on its own is told to; if it ignores that too, the connection is given up. */
  async #cancelLate(state: { readonly over: boolean }): Promise<void> {
    // if it cannot be cancelled, it is given up below
    await cancelSoon(this.session, this.#cancelledWithin);
    await wait(this.#cancelledWithin, { ref: false });
    if (state.over) return;
    this.givenUp = true;
    throw new SqlFailure('lost', { what: 'the server did not answer in time' });
  }
}
