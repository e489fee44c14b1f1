import type { Logger } from '../../log/logger.ts';

/** One sign-in that was tried, as an administrator may see it. Holds no password, token or cookie. */
export interface SignInEvent {
  readonly at: number;
  readonly ip: string;
  /** `local`, `oidc keycloak`, `token`, `header`, `cors`, … */
  readonly method: string;
  readonly user: string | undefined;
  readonly outcome: 'signed-in' | 'refused';
  /** What happened, in words. */
  readonly cause: string;
  readonly remedy: string | undefined;
}

/** The latest sign-ins, kept in memory: where an administrator reads why somebody does not get in. */
export interface SignInTrace {
  /** `logged` is the name for the log, where what was typed may be no name. */
  add(event: Omit<SignInEvent, 'at'>, logged?: string): void;
  /** Newest first. */
  list(): readonly SignInEvent[];
}

const KEPT = 500;

/** Refusals are logged with their cause, too. */
export function signInTrace(log: Logger): SignInTrace {
  const events: SignInEvent[] = [];
  return {
    add(event, logged = event.user) {
      events.push({ at: Date.now(), ...event });
      if (events.length > KEPT) events.shift();
      if (event.outcome === 'refused') {
        const { ip, method, cause, remedy } = event;
        log.warn(
          { event: 'sign-in-refused', ip, method, user: logged, cause, remedy },
          'sign-in-refused',
        );
      }
    },
    list: () => events.toReversed(),
  };
}
