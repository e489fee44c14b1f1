import { background, isTold, timerTime } from 'waybill/adapter';
import { SignInGuard } from 'waybill/peer';
import type { SmtpSession } from './smtp-session.ts';

export interface PoolLimits {
  /** Milliseconds a connection may wait for the next mail. */
  readonly idle: number;
  /** After how many mails a connection is closed; servers count them. */
  readonly mails: number;
}

/**
 * The open connections. There are never more than mails under way, which the operation's `pool`
 * limits; the most recently used one is used first, so that the others become idle and close.
 */
export class SessionPool {
  readonly #open: (signal: AbortSignal) => Promise<SmtpSession>;
  readonly #limits: PoolLimits;
  readonly #guard = new SignInGuard();
  readonly #all = new Set<SmtpSession>();
  readonly #waiting = new Map<SmtpSession, NodeJS.Timeout>();
  #closed = false;

  constructor(open: (signal: AbortSignal) => Promise<SmtpSession>, limits: PoolLimits) {
    this.#open = open;
    this.#limits = limits;
  }

  /** A waiting connection, or a new one. */
  async take(signal: AbortSignal): Promise<SmtpSession> {
    const [session] = [...this.#waiting].at(-1) ?? [];
    if (session === undefined) return this.#opened(signal);
    this.#leave(session);
    return session;
  }

  /** Takes a connection back after a mail. */
  async give(session: SmtpSession): Promise<void> {
    if (session.ended) return;
    if (this.#closed || session.mails >= this.#limits.mails) return session.quit();
    const timer = setTimeout(() => {
      this.#leave(session);
      background(session.quit(), 'ending a session', isTold);
    }, timerTime(this.#limits.idle));
    this.#waiting.set(session, timer);
  }

  /** Closes the waiting connections, and waits for the others to be returned and closed. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const session of this.#waiting.keys()) {
      this.#leave(session);
      background(session.quit(), 'ending a session', isTold);
    }
    await Promise.all([...this.#all].map(({ end }) => end));
  }

  async #opened(signal: AbortSignal): Promise<SmtpSession> {
    const session = await this.#guard.run(() => this.#open(signal));
    this.#all.add(session);
    background(this.#forgetAtEnd(session), 'noting the end of a session');
    return session;
  }

  async #forgetAtEnd(session: SmtpSession): Promise<void> {
    await session.end;
    this.#leave(session);
    this.#all.delete(session);
  }

  #leave(session: SmtpSession): void {
    clearTimeout(this.#waiting.get(session));
    this.#waiting.delete(session);
  }
}
