import type { Logger } from '../../log/logger.ts';

/** One sign-in attempt, as an administrator may see it. Contains no password, token or cookie. */
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

/** The latest sign-ins, kept in memory, for an administrator to see why somebody cannot sign in. */
export interface SignInTrace {
  /** `logged` is the name for the log, since what was typed may not be a name. */
  add(event: Omit<SignInEvent, 'at'>, logged?: string): void;
  /** Newest first. */
  list(): readonly SignInEvent[];
}

const KEPT = 500;

/** Refusals are also logged with their cause: equal ones once a minute, with the number of earlier ones. */
export function signInTrace(log: Logger): SignInTrace {
  const events: SignInEvent[] = [];
  const isNews = perMinute();
  return {
    add(event, logged = event.user) {
      events.push({ at: Date.now(), ...event });
      if (events.length > KEPT) events.shift();
      if (event.outcome === 'refused') {
        const { ip, method, cause, remedy } = event;
        const untold = isNews(`${ip} ${method} ${logged ?? ''} ${cause}`);
        if (untold === undefined) return;
        log.warn(
          {
            event: 'sign-in-refused',
            ip,
            method,
            user: logged,
            cause,
            remedy,
            ...(untold > 0 && { untold }),
          },
          'sign-in-refused',
        );
      }
    },
    list: () => events.toReversed(),
  };
}

/** How many kinds are distinguished in one minute; the rest are only counted. */
const MOST = 60;

/** How many went unlogged before this one; undefined if this one is not logged either. */
function perMinute(): (key: string) => number | undefined {
  let began = Number.NEGATIVE_INFINITY;
  let untold = 0;
  const told = new Set<string>();
  return (key) => {
    // not the time of day, which may be set back
    if (performance.now() - began > 60_000) {
      began = performance.now();
      told.clear();
    }
    if (told.has(key) || told.size >= MOST) {
      untold += 1;
      return undefined;
    }
    told.add(key);
    const before = untold;
    untold = 0;
    return before;
  };
}
