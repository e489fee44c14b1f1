import { setTimeout as sleep } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import { EngineError } from '../error/engine-error.ts';

/** How long a cluster may take, in milliseconds, to elect its leaders. */
const PATIENCE = 30_000;
const PAUSE = 250;

/** The server's codes for: no suitable peers, no leader yet, not the leader, no resources yet. */
const PASSING: ReadonlySet<number> = new Set([10_005, 10_008, 10_009, 10_023]);
const UNAVAILABLE = 503;

/**
 * Creates something in JetStream, retrying while the server says that its cluster is not ready, so
 * that engines and servers can be started together in any order. Any other refusal is an
 * EngineError with the server's text, which quotes nothing from a message.
 */
export async function patiently<Made>(what: string, make: () => Promise<Made>): Promise<Made> {
  const until = performance.now() + PATIENCE;
  for (;;) {
    try {
      return await make();
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      const { code, status, message } = error;
      const passes = PASSING.has(code) || status === UNAVAILABLE;
      if (!passes || performance.now() > until) {
        const text = `NATS did not make ${what}: ${message} (${code})`;
        throw new EngineError('BROKER_UNAVAILABLE', text, { retryable: true, cause: error });
      }
      await sleep(PAUSE);
    }
  }
}
