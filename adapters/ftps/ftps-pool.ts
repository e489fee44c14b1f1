import type { Lent, setting } from 'waybill/adapter';
import { Resting, SignInGuard } from 'waybill/peer/basics';
import type { FileStore, StoreLine } from 'waybill/peer/folder';
import { type ConnectLent, connectFtps } from './connect.ts';
import type { FtpsSession } from './ftps-session.ts';
import { FtpsStore } from './ftps-store.ts';

export type PoolLent = ConnectLent &
  Pick<Lent<setting.Settings>, 'signal' | 'connection' | 'event'>;

/**
 * The connections of one host. FTP does one thing at a time on each, so there are as many as are
 * needed at once; the most recently used one is used first, and the others become idle and are
 * closed.
 */
export class FtpsPool implements StoreLine {
  readonly #lent: PoolLent;
  readonly #closing = new AbortController();
  readonly #all = new Set<FtpsSession>();
  readonly #resting: Resting<FtpsSession>;
  readonly #connecting = new Set<Promise<FtpsSession>>();
  readonly #guard = new SignInGuard();
  #said = '';

  constructor(lent: PoolLent) {
    this.#lent = lent;
    this.#resting = new Resting(lent.settings.idle, (session) => this.#endIdle(session));
  }

  /** Runs something on a separate connection. Throws what connecting throws. */
  async use<Value>(work: (store: FileStore) => Promise<Value>): Promise<Value> {
    const session = await this.#take();
    try {
      return await work(new FtpsStore(session));
    } finally {
      this.#give(session);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    await Promise.allSettled(this.#connecting);
    for (const session of this.#all) this.#end(session);
  }

  async #take(): Promise<FtpsSession> {
    for (;;) {
      const session = this.#resting.take();
      if (session === undefined) return await this.#connect();
      if (await session.isStillThere()) return session;
      this.#end(session);
    }
  }

  #give(session: FtpsSession): void {
    if (!session.isAlive || this.#closing.signal.aborted) {
      this.#end(session);
      return;
    }
    this.#resting.rest(session);
  }

  #endIdle(session: FtpsSession): void {
    this.#end(session);
    if (this.#all.size === 0) {
      this.#lent.connection('waiting', 'closed while there is nothing to do');
    }
  }

  #end(session: FtpsSession): void {
    this.#resting.leave(session);
    this.#all.delete(session);
    session.close();
  }

  async #connect(): Promise<FtpsSession> {
    const signal = AbortSignal.any([this.#lent.signal, this.#closing.signal]);
    signal.throwIfAborted();
    const connecting = this.#guard.run(() => connectFtps(this.#lent, signal));
    this.#connecting.add(connecting);
    try {
      const session = await connecting;
      this.#all.add(session);
      session.onEnd(() => this.#lost(session));
      this.#tell(session.facts.security);
      return session;
    } finally {
      this.#connecting.delete(connecting);
    }
  }

  #lost(session: FtpsSession): void {
    const known = this.#all.has(session);
    this.#end(session);
    if (known && this.#all.size === 0) this.#lent.connection('disconnected');
  }

  #tell(security: string): void {
    this.#lent.connection('connected', security);
    if (security !== this.#said) this.#lent.event('info', 'connected', security);
    this.#said = security;
  }
}
