import { setTimeout as sleep } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import { PermissionViolationError } from '@nats-io/transport-node';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';

/** How long a cluster may take, in milliseconds, to elect its leaders. */
const PATIENCE = 30_000;
const PAUSE = 250;

/** The server's codes for: no suitable peers, no leader yet, not the leader, no resources yet. */
const PASSING: ReadonlySet<number> = new Set([10_005, 10_008, 10_009, 10_023]);
const UNAVAILABLE = 503;
/** The server's codes for limits of an account: what is stored, consumers, streams. */
const OF_ACCOUNT: ReadonlySet<number> = new Set([10_002, 10_026, 10_027]);

/**
 * Creates something in JetStream, retrying while the server says that its cluster is not ready, or
 * that nobody answers, so that engines and servers can be started together in any order. Any other
 * refusal is an EngineError with the server's text, which quotes nothing from a message.
 *
 * @param what ends a sentence: NATS did not make …
 * @param onWaiting called once, when the first try has failed
 */
export async function patiently<Made>(
  what: string,
  make: () => Promise<Made>,
  onWaiting: () => void = () => undefined,
): Promise<Made> {
  const until = performance.now() + PATIENCE;
  for (let tries = 1; ; tries++) {
    try {
      return await make();
    } catch (error) {
      const refusal = error instanceof JetStreamApiError ? error : undefined;
      // what another call has waited for is judged
      if (isEngineError(error) || !isAway(error)) throw error;
      const passes =
        refusal === undefined ? !(error instanceof PermissionViolationError) : isPassing(refusal);
      if (!passes || performance.now() > until) throw notMade(what, error, refusal);
      if (tries === 1) onWaiting();
      await sleep(PAUSE);
    }
  }
}

const isPassing = ({ code, status }: JetStreamApiError): boolean =>
  PASSING.has(code) || status === UNAVAILABLE;

function notMade(what: string, cause: unknown, refusal?: JetStreamApiError): EngineError {
  const why = refusal === undefined ? unanswered(cause as Error) : refused(refusal);
  const options = { retryable: true, cause };
  return new EngineError('BROKER_UNAVAILABLE', `NATS did not make ${what}: ${why}`, options);
}

function unanswered(cause: Error): string {
  return cause instanceof PermissionViolationError
    ? `${cause.message}. Permit it to its user`
    : `nobody answered for ${PATIENCE / 1_000} s (${cause.name}). In a cluster more than half of the servers must run; a single one must have JetStream, and a disk that works`;
}

function refused({ message, code }: JetStreamApiError): string {
  const said = `${message} (${code})`;
  return OF_ACCOUNT.has(code)
    ? `${said}. Raise the limit of its account (max_streams, max_consumers, max_file)`
    : said;
}

/** How often something is done, and after how many milliseconds again. */
interface Again {
  readonly tries: number;
  readonly between: number;
  /** Aborted, it is not done again. */
  readonly signal?: AbortSignal;
}

/** Does something again while NATS is away, whichever error says so; the last one is thrown. */
export async function againWhileAway<Done>(
  work: () => Promise<Done>,
  { tries, between, signal }: Again,
): Promise<Done> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      if (tried === tries || !isAway(error)) throw error;
      await pause(between, signal, { ref: signal === undefined });
      if (signal?.aborted === true) throw error;
    }
  }
}
