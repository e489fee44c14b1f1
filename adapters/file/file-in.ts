import { explained, inbound, NotConnectedError, setting } from 'waybill/adapter';
import { poll } from 'waybill/peer/basics';
import { FileError, linkSettings, pickup, pickupSettings, tryWriting } from 'waybill/peer/folder';
import { DiskStore } from './disk-store.ts';

const settings = { ...pickupSettings(setting.path), ...linkSettings };

export default inbound({
  type: 'file-in',
  title: 'Files from a folder',
  summary:
    'Delivers each file of a folder on this machine, and archives or deletes it once it is stored.',
  polling: true,
  settings,
  async open(lent) {
    const { folder, followLinks } = lent.settings;
    const store = new DiskStore({ sync: 'gathered', followLinks });
    const files = pickup(lent.settings, lent, folder);
    await reachable(() => store.list(folder));
    lent.connection('connected', folder);
    return poll(
      () => files.next(),
      lent,
      (signal) => reachable(() => files.look(store, signal)),
    );
  },
  async test({ settings: { folder, keep, followLinks, archive, failed } }, step) {
    const store = new DiskStore({ sync: false, followLinks });
    await step('path', (detail) =>
      explained(async () => {
        const entries = await store.list(folder);
        detail(`${folder} holds ${entries.length} entries`);
      }),
    );
    await step('permission', (detail) =>
      explained(async () => {
        if (keep) return detail('files are only read');
        const folders = [folder, archive, failed].filter((one) => one !== undefined);
        for (const one of folders) {
          if (one !== folder) await store.makeFolder(one);
          await tryWriting(store, one, '.*.part');
        }
        detail(`files can be written and deleted in ${folders.join(', ')}`);
      }),
    );
  },
});

/** A missing folder (an unmounted share, a failed disk) is a lost connection: it is opened again. */
async function reachable<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FileError) throw new NotConnectedError(error.message);
    throw error;
  }
}
