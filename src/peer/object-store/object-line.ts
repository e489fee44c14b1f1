import type { StoreLine } from '../folder/store-line.ts';
import type { ObjectStore } from './object-store.ts';

export interface OpenedStore<Store> {
  readonly store: Store;
  readonly close: () => void | Promise<void>;
}

/** Access to a bucket or container. The first use, and the first after a failure, looks whether it is there. */
export class ObjectLine<Store extends ObjectStore> implements StoreLine<Store> {
  readonly #open: () => Promise<OpenedStore<Store>>;
  readonly #connected: () => void;
  #opened: Promise<OpenedStore<Store>> | undefined;
  #proven = false;

  /** `connected` is called when it is there. */
  constructor(open: () => Promise<OpenedStore<Store>>, connected: () => void) {
    this.#open = open;
    this.#connected = connected;
  }

  async use<Value>(work: (store: Store) => Promise<Value>): Promise<Value> {
    this.#opened ??= this.#open();
    try {
      const { store } = await this.#opened;
      if (!this.#proven) {
        await store.look();
        this.#proven = true;
        this.#connected();
      }
      return await work(store);
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === 'ADAPTER_NOT_CONNECTED' || code === 'ADAPTER_DISABLED') await this.close();
      throw error;
    }
  }

  /** A key that was exchanged, and a renewed certificate, are used from the next time on. */
  async close(): Promise<void> {
    const opening = this.#opened;
    [this.#opened, this.#proven] = [undefined, false];
    // what opening threw was told to whoever used it
    const open = await opening?.catch(() => undefined);
    await open?.close();
  }
}
