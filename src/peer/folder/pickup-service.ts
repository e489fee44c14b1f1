import type { LentInbound, Open } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { DisableError } from '../../error/adapter-error.ts';
import { refusedPause } from '../../time/back-off.ts';
import { poll } from '../poll.ts';
import { type Pickup, pickup } from './pickup.ts';
import type { PickupValues } from './pickup-settings.ts';
import { connectFirst, type StoreLine } from './store-line.ts';

export type PickupServiceLent = Pick<
  LentInbound<Settings>,
  'deliver' | 'memory' | 'event' | 'connection' | 'lost' | 'signal'
> & { readonly settings: PickupValues };

/**
 * An open adapter that looks into a folder at a peer at intervals. What prevents a look counts as a
 * lost connection, except for a refusal that must not be repeated every few seconds: after that the
 * service waits for some minutes, longer each time.
 *
 * `origin` is shown in the trace as where files come from: `sftp://lab.example:22`.
 */
export async function pickupService(
  line: StoreLine,
  lent: PickupServiceLent,
  origin: string,
): Promise<Open> {
  const files = pickup(lent.settings, lent, origin);
  const refused = await connectFirst(line, lent);
  const service = new PickupService(line, files, lent);
  if (refused !== undefined) service.pause();
  service.start();
  return service;
}

class PickupService implements Open {
  readonly #line: StoreLine;
  readonly #files: Pickup;
  readonly #lent: PickupServiceLent;
  #poll: Open | undefined;
  #notBefore = 0;
  #refusals = 0;

  constructor(line: StoreLine, files: Pickup, lent: PickupServiceLent) {
    this.#line = line;
    this.#files = files;
    this.#lent = lent;
  }

  start(): void {
    this.#poll = poll(
      () => this.#files.next(),
      this.#lent,
      (signal) => this.#look(signal),
    );
  }

  pause(): void {
    this.#refusals += 1;
    this.#notBefore = performance.now() + refusedPause(this.#refusals);
  }

  async close(): Promise<void> {
    await this.#poll?.close();
    await this.#line.close();
  }

  async #look(signal: AbortSignal): Promise<void> {
    if (performance.now() < this.#notBefore) return;
    try {
      await this.#line.use((store) => this.#files.look(store, signal));
      this.#refusals = 0;
    } catch (error) {
      if (!(error instanceof DisableError)) throw error;
      this.pause();
      this.#lent.connection('disconnected', error.message);
      this.#lent.event('error', 'refused', error.message);
    }
  }
}
