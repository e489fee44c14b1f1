import { inbound, type LentInbound } from 'waybill/adapter';
import { poll } from 'waybill/peer';
import { GraphClient } from './graph-client.ts';
import { readingFailure } from './graph-failure.ts';
import { folderId } from './graph-folder.ts';
import { type GraphInSettings, graphInSettings } from './graph-in-settings.ts';
import { testReading } from './graph-test.ts';
import { type Folders, MailRounds } from './mail-rounds.ts';
import { TakenMails } from './taken-mails.ts';

type GraphLent = LentInbound<GraphInSettings>;

export default inbound({
  type: 'graph-mail-in',
  title: 'Mail (Microsoft Graph)',
  summary:
    'Takes the mails of a folder of an Exchange Online mailbox, or the files attached to them, through Microsoft Graph.',
  settings: graphInSettings,
  polling: true,
  async open(lent) {
    const { settings } = lent;
    const client = await GraphClient.open(lent, settings);
    try {
      const rounds = await prepared(lent, client);
      const polling = poll(settings.every, lent, (signal) =>
        explained(lent, client, () => rounds.round(signal)),
      );
      return {
        async close() {
          await polling.close();
          await client.close();
        },
      };
    } catch (error) {
      await client.close();
      throw error;
    }
  },
  test: testReading,
});

async function prepared(lent: GraphLent, client: GraphClient): Promise<MailRounds> {
  const { settings } = lent;
  const folders = await explained(lent, client, () => foldersOf(lent, client));
  const where = `${settings.url.host}/${settings.mailbox}/${folders.folder}`;
  const taken = await TakenMails.read(lent.memory, where, settings.afterwards === 'keep');
  lent.connection('connected', `${client.place}, ${settings.mailbox}, folder ${settings.folder}`);
  return new MailRounds(lent, { client, taken, folders });
}

async function foldersOf({ settings, signal }: GraphLent, client: GraphClient): Promise<Folders> {
  const { folder, afterwards, archive, failed } = settings;
  const made = { signal, make: true };
  return {
    folder: await folderId(client, folder, { signal, make: false }),
    archive: afterwards === 'archive' ? await folderId(client, archive, made) : undefined,
    failed: failed === undefined ? undefined : await folderId(client, failed, made),
  };
}

async function explained<Value>(
  { settings }: GraphLent,
  client: GraphClient,
  work: () => Promise<Value>,
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const needs = settings.afterwards === 'keep' ? 'Mail.Read' : 'Mail.ReadWrite';
    throw readingFailure(error, { place: client.place, mailbox: settings.mailbox, needs });
  }
}
