import { inbound, type SettingsFault, setting } from 'waybill/adapter';
import { pickupService, pickupSteps } from 'waybill/peer/folder';
import { objectPickupSettings } from 'waybill/peer/object-store';
import { siteOf } from './azure-client.ts';
import { azureLine } from './azure-line.ts';
import { azureFaults, azureSettings } from './azure-settings.ts';
import { tryAzure } from './azure-test.ts';

const settings = {
  ...azureSettings,
  ...objectPickupSettings,
  tag: setting.optional(
    setting.text({
      help: 'Marks a taken blob by an index tag of this name (taken, beside one with its ETag), instead of deleting it. Not in accounts with a hierarchical namespace.',
      example: 'waybill',
    }),
  ),
  lease: setting.flag({
    help: 'Holds a lease on each blob while it is taken, so that nobody changes it and another reader that does the same does not take it too. Needs the right to write.',
    default: false,
    advanced: true,
  }),
};

export default inbound({
  type: 'azure-blob-in',
  title: 'Blobs from Azure',
  summary:
    'Delivers each blob of a folder (prefix) of a container of Azure Blob Storage, and archives, deletes or tags it once it is stored.',
  polling: true,
  settings,
  check: (values) => Promise.resolve([...azureFaults(values), ...takingFaults(values)]),
  async open(lent) {
    const { container } = await siteOf(lent);
    const origin = `azure://${container.host}${container.pathname}`;
    return pickupService(azureLine(lent, lent.settings), lent, origin);
  },
  test: (lent, step) =>
    tryAzure(lent, step, async (store, told) => {
      const { tag } = lent.settings;
      const values = { ...lent.settings, keep: lent.settings.keep || tag !== undefined };
      await pickupSteps(store, told, values);
      if (tag !== undefined) {
        await told('tag', (detail) =>
          detail('not tried: a tag is set when the first blob is taken', 'untried'),
        );
      }
    }),
});

/** What becomes of a taken blob is said once. */
function takingFaults({
  tag,
  archive,
  keep,
  lease,
}: setting.ValuesOf<typeof settings>): SettingsFault[] {
  const faults: SettingsFault[] = [];
  if (tag !== undefined && (archive !== undefined || keep)) {
    faults.push({
      path: ['tag'],
      what: `does not go with ${keep ? 'keep' : 'archive'}: a taken blob stays where it is, and is known by its tag`,
      remedy: 'Remove one of them.',
    });
  }
  if (lease && keep) {
    faults.push({
      path: ['lease'],
      what: 'does not go with keep: the blob stays for every reader',
      remedy: 'Remove one of them.',
    });
  }
  return faults;
}
