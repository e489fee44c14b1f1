import { timerTime } from '../time/timer.ts';

/** Signed-in sessions that wait for their next use. The one used last is used first, so that the others become idle and end. */
export class Resting<Session> {
  readonly #idle: number;
  readonly #onIdle: (session: Session) => void;
  readonly #timers = new Map<Session, NodeJS.Timeout | undefined>();

  /** @param idle milliseconds a session may rest; Infinity for as long as it likes @param onIdle ends one that rested so long */
  constructor(idle: number, onIdle: (session: Session) => void) {
    this.#idle = idle;
    this.#onIdle = onIdle;
  }

  /** One that rests, which it then does not any more. */
  take(): Session | undefined {
    const [session] = [...this.#timers.keys()].slice(-1);
    if (session !== undefined) this.leave(session);
    return session;
  }

  rest(session: Session): void {
    const ended = (): void => {
      this.#timers.delete(session);
      this.#onIdle(session);
    };
    const timer = Number.isFinite(this.#idle)
      ? setTimeout(ended, timerTime(this.#idle)).unref()
      : undefined;
    this.#timers.set(session, timer);
  }

  /** It is gone, or ended by other means. */
  leave(session: Session): void {
    clearTimeout(this.#timers.get(session));
    this.#timers.delete(session);
  }

  /** Those that rest; none of them rests any more. */
  takeAll(): Session[] {
    const all = [...this.#timers.keys()];
    for (const session of all) this.leave(session);
    return all;
  }
}
