import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  '{count} in': '{count} eingegangen',
  '{count} failed or suspended': '{count} fehlgeschlagen oder ausgesetzt',
  'configuration changed {time} by {by}': 'Konfiguration geändert {time} von {by}',
};
