import type { LentInbound, Open } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { DisableError } from '../../error/adapter-error.ts';
import type { EngineError } from '../../error/engine-error.ts';
import { refusedPause } from '../../time/back-off.ts';
import { pause } from '../../time/pause.ts';
import { wait } from '../../time/timer.ts';

type SessionLent = Pick<LentInbound<Settings>, 'connection' | 'event' | 'signal'>;

/** How long closing waits for an answer from the server, in milliseconds. */
const PATIENCE = 1_000;

/** A mailbox that is read until the service closes. */
interface MailboxReading<Session> {
  /** Opens a session; the signal aborts when the service closes or is stopped by force. */
  readonly connect: (signal: AbortSignal) => Promise<Session>;
  /**
   * Reads with a signed-in session, until the signal aborts. `again` opens a further one, however
   * often the sign-in is refused. What it rejects with is the loss of the connection.
   */
  readonly read: (
    session: Session,
    again: () => Promise<Session>,
    signal: AbortSignal,
  ) => Promise<void>;
}

/** Opens a mailbox: the first session at once, or after a refused sign-in the next one that is granted. */
export async function openMailbox<Session>(
  lent: SessionLent & Pick<LentInbound<Settings>, 'lost'>,
  { connect, read }: MailboxReading<Session>,
): Promise<Open> {
  const closing = new AbortController();
  const stop = AbortSignal.any([lent.signal, closing.signal]);
  const once = () => connect(stop);
  const first = await firstSession(lent, once);
  const again = async (): Promise<Session> =>
    (await firstSession(lent, once)) ?? (await laterSession(lent, once, stop));
  const run = async (): Promise<void> =>
    await read(first ?? (await laterSession(lent, once, stop)), again, stop);
  const ended = run().catch((error: EngineError) => {
    if (!stop.aborted) lent.lost(error);
  });
  return {
    async close() {
      closing.abort();
      await ended;
    },
  };
}

/** Undefined if only a person can help, which is told. Everything else is thrown: the engine opens it again soon. */
async function firstSession<Session>(
  lent: SessionLent,
  open: () => Promise<Session>,
): Promise<Session | undefined> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof DisableError)) throw error;
    lent.connection('disconnected', error.message);
    lent.event('error', 'refused', error.message);
    return undefined;
  }
}

/** After a refused sign-in: tries again after long pauses, so that the account is not locked. */
async function laterSession<Session>(
  lent: SessionLent,
  open: () => Promise<Session>,
  signal: AbortSignal,
): Promise<Session> {
  for (let refusals = 1; ; refusals++) {
    await wait(refusedPause(refusals), { signal });
    const session = await firstSession(lent, open);
    if (session !== undefined) return session;
  }
}

interface Cutting {
  readonly lent: SessionLent;
  /** Aborts when the service closes, or is stopped by force. */
  readonly signal: AbortSignal;
  /** Aborts once the session has ended. */
  readonly over: AbortSignal;
  /** Whether a message is being stored at the moment. */
  readonly delivering: () => boolean;
}

/**
 * Cuts the connection at once on a forced stop. On a normal close, a delivery in progress may end
 * and its mail be cleared away; a hanging request is not awaited.
 */
export async function cutWhenStopped(
  session: { close(): void },
  { lent, signal, over, delivering }: Cutting,
): Promise<void> {
  await aborted(AbortSignal.any([signal, over]));
  while (!over.aborted && !lent.signal.aborted) {
    await pause(PATIENCE, AbortSignal.any([over, lent.signal]));
    if (!delivering()) break;
  }
  session.close();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
