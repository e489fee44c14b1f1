import type { AlertSettings } from '../../access/sign-in/alert-settings.ts';
import type { ChannelTest } from '../../control/orders.ts';
import type { AlertStore } from './alert-store.ts';
import type { DeliveryStore } from './delivery-store.ts';
import type { MaintenanceStore } from './maintenance.ts';
import type { AlertedProduction, Notifier } from './notifier.ts';

/** Alerts as the routes see them. */
export interface Alerting {
  readonly store: AlertStore;
  readonly deliveries: DeliveryStore;
  readonly maintenance: MaintenanceStore;
  readonly settings: AlertSettings;
  readonly notifier: Notifier;
  /** The production as last known. */
  readonly about: () => Promise<AlertedProduction>;
  /** Sends a test to the channels of these names, or to all. */
  test(only: readonly string[] | undefined, by: string): Promise<readonly ChannelTest[]>;
}
