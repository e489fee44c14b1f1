import type { KV } from '@nats-io/kv';
import { EngineError } from '../error/engine-error.ts';
import { tolerate } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';

/** Milliseconds for one listing, and how often it is tried. */
const LIMIT = 5_000;
const TRIES = 4;
const PAUSE = 250;

/**
 * The keys of a bucket that match a pattern. The client's own listing waits for ever if the server
 * dies meanwhile; this one starts again, and eventually gives up.
 */
export async function listKeys(kv: KV, pattern: string): Promise<string[]> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const keys = await onceListed(kv, pattern).catch((error: unknown) =>
      tolerate(error, isAway, 'listing keys of the state'),
    );
    if (keys !== undefined) return keys;
    await pause(PAUSE);
  }
  throw new EngineError('BROKER_UNAVAILABLE', `NATS does not list the keys ${pattern}`, {
    retryable: true,
  });
}

/** Undefined if it did not finish in time. */
async function onceListed(kv: KV, pattern: string): Promise<string[] | undefined> {
  const found: string[] = [];
  const listing = await kv.keys(pattern);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    listing.stop();
  }, LIMIT);
  try {
    for await (const key of listing) found.push(key);
  } finally {
    clearTimeout(timer);
  }
  return late ? undefined : found;
}
