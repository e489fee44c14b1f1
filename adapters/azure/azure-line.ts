import { ObjectLine } from 'waybill/peer/object-store';
import { AzureClient, type AzureLent } from './azure-client.ts';
import { AzureStore, type Taking } from './azure-store.ts';

/** Access to the container of the settings. */
export const azureLine = (lent: AzureLent, taking: Taking = {}): ObjectLine<AzureStore> =>
  new ObjectLine(
    async () => {
      const client = await AzureClient.open(lent);
      return { store: new AzureStore(client, taking), close: () => client.close() };
    },
    () => lent.connection('connected', lent.settings.container),
  );
