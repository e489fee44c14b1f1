import { type Step, stepFailure } from 'waybill/adapter';
import { tryReaching } from 'waybill/peer/http';
import { objectSteps } from 'waybill/peer/object-store';
import { type AzureLent, reachedBy, siteOf } from './azure-client.ts';
import { azureLine } from './azure-line.ts';
import type { AzureStore } from './azure-store.ts';

/** The steps of both directions: `name`, `TCP`, `proxy`, `TLS`, `container` (with the sign-in), and those of `more`. */
export async function tryAzure(
  lent: AzureLent,
  step: Step,
  more: (store: AzureStore, step: Step) => Promise<void>,
): Promise<void> {
  const { settings } = lent;
  const site = await siteOf(lent).catch((error: unknown) => {
    throw stepFailure(error);
  });
  await tryReaching(lent, step, { url: site.container, values: reachedBy(settings) });
  const place = { step: 'container', name: settings.container, as: site.as };
  await objectSteps(azureLine(lent), step, place, more);
}
