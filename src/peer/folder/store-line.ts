import type { Lent } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { DisableError } from '../../error/adapter-error.ts';
import type { FileStore } from './file-store.ts';

/** Access to a store at a peer: connections are made when they are needed. */
export interface StoreLine<Store extends FileStore = FileStore> {
  /**
   * Runs something on a connected store. Throws what connecting throws: a DisableError if trying
   * again would do harm, such as after a refused sign-in.
   */
  use<Value>(work: (store: Store) => Promise<Value>): Promise<Value>;
  close(): Promise<void>;
}

/**
 * Connects once when an adapter opens, so that a peer that is down is noticed at once. Throws what
 * the engine should retry; a refusal that must not be repeated every few seconds (accounts are
 * locked for less) is reported and left to the next user of the line.
 */
export async function connectFirst(
  line: Pick<StoreLine, 'close'> & { use(work: () => Promise<void>): Promise<void> },
  lent: Pick<Lent<Settings>, 'connection' | 'event'>,
): Promise<DisableError | undefined> {
  try {
    await line.use(() => Promise.resolve());
    return undefined;
  } catch (error) {
    if (!(error instanceof DisableError)) {
      await line.close();
      throw error;
    }
    lent.connection('disconnected', error.message);
    lent.event('error', 'refused', error.message);
    return error;
  }
}
