import { onTestFinished } from 'vitest';
import type { TraceQuery } from '../../../src/trace/trace-query.ts';
import type { TraceStore } from '../../../src/trace/trace-store.ts';
import { NOON } from '../../support/trace-sample.ts';

export interface TraceStoreOptions {
  readonly largeBody?: (ref: string) => Promise<Uint8Array | undefined>;
  readonly now?: number;
}

interface OpenedTraceStore {
  readonly store: TraceStore;
  /** Closes the store and opens the same again. */
  readonly reopen: () => Promise<TraceStore>;
  readonly dispose: () => Promise<void>;
}

/** Opens an empty store. */
export type OpenTraceStore = (options?: TraceStoreOptions) => Promise<OpenedTraceStore>;

export const DAY = 86_400_000;

/** An empty store that is gone at the end of the test. */
export async function opened(
  open: OpenTraceStore,
  options?: TraceStoreOptions,
): Promise<TraceStore> {
  const { store, dispose } = await open(options);
  onTestFinished(dispose);
  return store;
}

/** Everything a reader can see of some sessions. */
export async function picture(store: TraceStore, ids: readonly number[]): Promise<unknown> {
  return {
    sessions: await Promise.all(ids.map((id) => store.session(id))),
    found: (await store.find({ limit: 100 })).items,
    statistics: await store.statistics({ from: NOON - DAY, to: NOON + DAY, step: 60_000 }),
    events: await store.events({ limit: 1_000 }),
  };
}

export async function idsOf(store: TraceStore, query: TraceQuery): Promise<number[]> {
  return (await store.find(query)).items.map(({ id }) => id);
}
