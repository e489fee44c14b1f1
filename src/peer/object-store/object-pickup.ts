import type { Open } from '../../adapter/adapter.ts';
import { type PickupServiceLent, pickupService } from '../folder/pickup-service.ts';
import type { PickupValues } from '../folder/pickup-settings.ts';
import type { ObjectLine } from './object-line.ts';
import type { ObjectStore } from './object-store.ts';

/** An open adapter that takes the objects of a folder. `origin` as of `pickupService`. */
export function objectPickupService(
  line: ObjectLine<ObjectStore>,
  lent: Omit<PickupServiceLent, 'settings'> & {
    readonly settings: Omit<PickupValues, 'followLinks'>;
  },
  origin: string,
): Promise<Open> {
  return pickupService(
    line,
    { ...lent, settings: { ...lent.settings, followLinks: false } },
    origin,
  );
}
