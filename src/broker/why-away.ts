import { background } from '../error/background.ts';
import { pause } from '../time/pause.ts';

/** Milliseconds after which it is looked for the first time, and then again. */
const FIRST = 3_000;
const AGAIN = 30_000;

export interface WhyAway {
  away(): void;
  back(): void;
}

/**
 * Why a connection does not come back: the client tries again and again, and keeps to itself that a name is not found,
 * a firewall drops packets or a certificate is not trusted. `look` tries another one; each reason is told once.
 */
export function whyAway(
  look: () => Promise<string | undefined>,
  tell: (reason: string) => void,
): WhyAway {
  let asking: AbortController | undefined;
  const ask = async ({ signal }: AbortController): Promise<void> => {
    let told: string | undefined;
    for (let time = FIRST; ; time = AGAIN) {
      await pause(time, signal, { ref: false });
      const reason = signal.aborted ? undefined : await look();
      if (signal.aborted) return;
      if (reason !== undefined && reason !== told) tell(reason);
      told = reason ?? told;
    }
  };
  return {
    away() {
      if (asking !== undefined) return;
      asking = new AbortController();
      background(ask(asking), 'asking why NATS is away');
    },
    back() {
      asking?.abort();
      asking = undefined;
    },
  };
}
