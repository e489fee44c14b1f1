import { ApiError } from './api-error.ts';

/** Limits how many things each name may have running at once. */
export interface Turnstile {
  /** Runs `work`, or throws TOO_MANY (429) if the name has `limit` of them running. */
  pass<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
  /** Takes a slot and returns the function that frees it. */
  enter(name: string): () => void;
}

export function turnstile(what: string, limit: number): Turnstile {
  const running = new Map<string, number>();
  const enter = (name: string): (() => void) => {
    const count = running.get(name) ?? 0;
    if (count >= limit) {
      throw new ApiError(429, 'TOO_MANY', `${name} already has ${limit} ${what} running`);
    }
    running.set(name, count + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const now = (running.get(name) ?? 1) - 1;
      if (now === 0) running.delete(name);
      else running.set(name, now);
    };
  };
  return {
    enter,
    async pass(name, work) {
      const leave = enter(name);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
