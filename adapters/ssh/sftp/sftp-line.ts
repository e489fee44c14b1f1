import {
  background,
  isTold,
  type Lent,
  type setting,
  timerTime,
  toldElsewhere,
} from 'waybill/adapter';
import { SignInGuard } from 'waybill/peer/basics';
import type { FileStore, StoreLine } from 'waybill/peer/folder';
import { connectSftp, type SftpLent } from './connect.ts';
import type { SftpSession } from './sftp-session.ts';
import { SftpStore, type SftpStoreOptions } from './sftp-store.ts';

export type LineLent = SftpLent & Pick<Lent<setting.Settings>, 'signal' | 'connection' | 'event'>;

/**
 * The connection of one host, made when needed, shared by all who need it at once, and made again
 * after it was lost or idle.
 */
export class SftpLine implements StoreLine {
  readonly #lent: LineLent;
  readonly #options: SftpStoreOptions;
  readonly #closing = new AbortController();
  readonly #guard = new SignInGuard();
  #session: SftpSession | undefined;
  #connecting: Promise<SftpSession> | undefined;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;
  #said = '';

  constructor(lent: LineLent, options: SftpStoreOptions = {}) {
    this.#lent = lent;
    this.#options = options;
  }

  /** Runs something on a living connection. Throws what connecting throws. */
  async use<Value>(work: (store: FileStore) => Promise<Value>): Promise<Value> {
    clearTimeout(this.#idle);
    this.#users += 1;
    try {
      return await work(new SftpStore(await this.#alive(), this.#options));
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#rest();
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    clearTimeout(this.#idle);
    await this.#connecting?.catch(toldElsewhere);
    await this.#session?.close();
  }

  async #alive(): Promise<SftpSession> {
    if (this.#session?.isAlive === true) return this.#session;
    this.#connecting ??= this.#connect();
    try {
      return await this.#connecting;
    } finally {
      this.#connecting = undefined;
    }
  }

  async #connect(): Promise<SftpSession> {
    const signal = AbortSignal.any([this.#lent.signal, this.#closing.signal]);
    signal.throwIfAborted();
    const session = await this.#guard.run(() => connectSftp(this.#lent, signal));
    this.#session = session;
    session.onEnd(() => {
      if (this.#session === session) this.#lent.connection('disconnected');
    });
    const { software, method } = session.facts;
    const state = `${software}, signed in by ${method}`;
    this.#lent.connection('connected', state);
    if (state !== this.#said) this.#lent.event('info', 'connected', state);
    this.#said = state;
    return session;
  }

  #rest(): void {
    const { idle } = this.#lent.settings;
    if (!Number.isFinite(idle) || this.#closing.signal.aborted) return;
    this.#idle = setTimeout(() => {
      const session = this.#session;
      this.#session = undefined;
      this.#lent.connection('waiting', 'closed while there is nothing to do');
      if (session !== undefined) background(session.close(), 'closing an idle session', isTold);
    }, timerTime(idle));
  }
}
