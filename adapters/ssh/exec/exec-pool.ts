import { background, isTold, type Lent, type setting } from 'waybill/adapter';
import { Resting, SignInGuard } from 'waybill/peer/basics';
import { connectSsh } from '../connect.ts';
import type { ConnectLent } from '../prepare.ts';
import { ExecSession } from './exec-session.ts';

export type PoolLent = ConnectLent &
  Pick<Lent<setting.Settings>, 'signal' | 'connection' | 'event'>;

/** The connections of one host: one for each command that runs, the one used last used first. */
export class ExecPool {
  readonly #lent: PoolLent;
  readonly #guard = new SignInGuard();
  readonly #all = new Set<ExecSession>();
  readonly #resting: Resting<ExecSession>;
  readonly #closing = new AbortController();
  #said = '';

  constructor(lent: PoolLent) {
    this.#lent = lent;
    this.#resting = new Resting(lent.settings.idle, (session) => this.#endIdle(session));
  }

  /** Opens the first connection, to report a fault at once. */
  async open(): Promise<void> {
    await this.use(this.#lent.signal, () => Promise.resolve());
  }

  /** Runs something on its own connection. Throws the errors of connecting. */
  async use<Value>(
    signal: AbortSignal,
    work: (session: ExecSession) => Promise<Value>,
  ): Promise<Value> {
    const session = await this.#take(signal);
    try {
      return await work(session);
    } finally {
      this.#give(session);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    await Promise.all([...this.#all].map((session) => this.#forget(session).close()));
  }

  async #take(signal: AbortSignal): Promise<ExecSession> {
    return this.#resting.take() ?? (await this.#connect(signal));
  }

  async #connect(signal: AbortSignal): Promise<ExecSession> {
    const until = AbortSignal.any([signal, this.#lent.signal, this.#closing.signal]);
    until.throwIfAborted();
    const connecting = (): ReturnType<typeof connectSsh> => connectSsh(this.#lent, until);
    const session = new ExecSession(await this.#guard.run(connecting));
    this.#all.add(session);
    session.onEnd(() => this.#lost(session));
    const { software, method } = session.facts;
    const state = `${software}, signed in by ${method}`;
    this.#lent.connection('connected', state);
    if (state !== this.#said) this.#lent.event('info', 'connected', state);
    this.#said = state;
    return session;
  }

  #give(session: ExecSession): void {
    if (session.ended) return;
    if (this.#closing.signal.aborted) {
      background(this.#forget(session).close(), 'ending a session', isTold);
      return;
    }
    this.#resting.rest(session);
  }

  #endIdle(session: ExecSession): void {
    background(this.#forget(session).close(), 'ending an idle session', isTold);
    if (this.#all.size === 0) this.#lent.connection('waiting', 'closed while nothing is to do');
  }

  #forget(session: ExecSession): ExecSession {
    this.#resting.leave(session);
    this.#all.delete(session);
    return session;
  }

  #lost(session: ExecSession): void {
    const known = this.#all.has(session);
    this.#forget(session);
    if (known && this.#all.size === 0) this.#lent.connection('disconnected');
  }
}
