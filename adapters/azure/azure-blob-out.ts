import { outbound, setting } from 'waybill/adapter';
import { objectDropService, objectDropSettings, objectDropSteps } from 'waybill/peer/object-store';
import { azureLine } from './azure-line.ts';
import { azureFaults, azureSettings } from './azure-settings.ts';
import { tryAzure } from './azure-test.ts';

export default outbound({
  type: 'azure-blob-out',
  title: 'Blobs to Azure',
  summary:
    'Writes each message as a blob into a container of Azure Blob Storage, large ones in blocks.',
  settings: {
    ...azureSettings,
    ...objectDropSettings,
    encryptionScope: setting.optional(
      setting.text({
        help: 'The encryption scope of the account, if it is not the container’s.',
        advanced: true,
      }),
    ),
  },
  check: (values) => Promise.resolve(azureFaults(values)),
  open(lent) {
    const { encryptionScope } = lent.settings;
    return objectDropService(azureLine(lent), lent, {
      own: { encryptionScope },
      place: 'container',
    });
  },
  test: (lent, step) =>
    tryAzure(lent, step, (store, told) => objectDropSteps(store, told, lent.settings)),
});
