import { textSeal } from './text-seal.ts';

/**
 * Sign-ins in progress. They are sealed in the browser's own cookie instead of being stored here:
 * anybody may start one, and nobody can displace those of others or fill the disk. A person
 * redirected by one process may return to another that has the same key.
 */
export interface SealedAttempts<Waiting extends object> {
  /** The value of the cookie. */
  seal(one: Waiting): string;
  /** Its content, if it was sealed here and not too long ago. */
  open(value: string): Waiting | undefined;
}

/** Milliseconds that a person may spend at the provider. */
const PATIENCE = 10 * 60_000;

export function sealedAttempts<Waiting extends object>(
  key: Uint8Array,
  now: () => number = Date.now,
): SealedAttempts<Waiting> {
  const seal = textSeal(key);
  return {
    seal: (one) => seal.seal(JSON.stringify({ one, until: now() + PATIENCE })),
    open(value) {
      const text = seal.open(value);
      if (text === undefined) return undefined;
      const { until, one } = JSON.parse(text) as { until: number; one: Waiting };
      return until < now() ? undefined : one;
    },
  };
}
