import type { Bodies } from '../broker/bodies.ts';
import { EngineError } from '../error/engine-error.ts';
import { sqliteTraceStore } from './sqlite/trace-store.ts';
import type { TraceStore } from './trace-store.ts';

export interface OpenStoreOptions {
  /** Another store than files. */
  readonly url?: string | undefined;
  /** Where the files lie. */
  readonly folder: string;
  /** Reads large bodies when a search looks into them. */
  readonly bodies?: Pick<Bodies, 'open'> | undefined;
}

/** Opens the production's trace store in a folder. */
export async function openTraceStore({
  url,
  folder,
  bodies,
}: OpenStoreOptions): Promise<TraceStore> {
  const largeBody = async (ref: string, size: number): Promise<Uint8Array | undefined> =>
    bodies?.open(ref, size).bytes();
  if (url === undefined) return sqliteTraceStore({ folder, largeBody });
  throw new EngineError('STORE_UNAVAILABLE', `${new URL(url).protocol} is no trace store`);
}
