import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import type { KvEntry } from '@nats-io/kv';
import { tolerate } from '../error/foreseen.ts';
import { processIdentity } from './process-identity.ts';

/** A holder that has not renewed for this long, as another engine sees it, has lost its lease. */
export const LEASE_TIME = 9_000;

/** The stored content of a lease. */
export interface Held {
  readonly holder: string;
  /** The holder's process: if it is proven to be gone, it was killed and its leases are free at once. */
  readonly process: string | undefined;
  /** Nobody has it, but its last holder did not end cleanly. */
  readonly left?: true;
}

export const heldBy = (holder: string): string =>
  JSON.stringify({ holder, process: processIdentity() } satisfies Held);

const LEFT_OVER: Held = { holder: '', process: undefined, left: true };
export const LEFT = JSON.stringify(LEFT_OVER);

/** Its holder; undefined if there is none. A damaged entry counts as free, since nobody can renew it. */
export function heldIn(entry: KvEntry | null): Held | undefined {
  if (entry === null || entry.operation !== 'PUT') return undefined;
  try {
    return entry.json<Held>();
  } catch (error) {
    tolerate(error, (one) => one instanceof SyntaxError, 'reading a lease');
    return LEFT_OVER;
  }
}

/** Whether somebody else wrote first: the expected revision is no longer the last. */
export const isOutrun = (error: unknown): boolean =>
  error instanceof JetStreamApiError &&
  (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
    error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown);
