import {
  DisableError,
  dropFile,
  dropSettings,
  fileMode,
  type InFlight,
  inFlight,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  setting,
  tryWriting,
} from 'waybill/adapter';
import { SftpLine } from './sftp-line.ts';
import { sftpSettings } from './sftp-settings.ts';
import { SftpStore } from './sftp-store.ts';
import { testSftp } from './sftp-test.ts';

const settings = {
  ...sftpSettings,
  ...dropSettings(setting.text),
  mode: setting.optional(fileMode),
  sync: setting.flag({
    help: 'Asks the server to bring each file to its disk before it gets its name, where it can (OpenSSH).',
    default: true,
    advanced: true,
  }),
};

/** How long a message that was given up has to clear up after itself when the adapter closes. */
const GRACE = 1_000;

export default outbound({
  type: 'sftp-out',
  title: 'Files to an SFTP server',
  summary: 'Puts each message as a file into a folder of an SFTP server.',
  settings,
  async open(lent) {
    const line = new SftpLine(lent);
    await connectFirst(line, lent);
    return new SftpOut(line, lent);
  },
  async test(lent, step) {
    const { folder, temporary } = lent.settings;
    await testSftp(lent, step, async (store, told) => {
      await told('path', async (detail) => {
        const entries = await store.list(folder);
        detail(`${folder || 'the start folder'} holds ${entries.length} entries`);
      });
      await told('permission', async (detail) => {
        await tryWriting(store, folder, temporary);
        detail('a temporary file could be written and deleted');
      });
    });
  },
});

/**
 * A server that is down shows at once, not when the first message waits for it. A refused sign-in or
 * a changed host key is left to the first message, which stops the operation: opening is repeated
 * every few seconds, and an account that is tried so often is locked.
 */
async function connectFirst(line: SftpLine, lent: Lent<typeof settings>): Promise<void> {
  try {
    await line.use(() => Promise.resolve());
  } catch (error) {
    if (!(error instanceof DisableError)) {
      await line.close();
      throw error;
    }
    lent.connection('disconnected', error.message);
    lent.event('error', 'refused', error.message);
  }
}

class SftpOut implements OpenOutbound {
  readonly #line: SftpLine;
  readonly #lent: Lent<typeof settings>;
  readonly #sending: InFlight = inFlight();

  constructor(line: SftpLine, lent: Lent<typeof settings>) {
    this.#line = line;
    this.#lent = lent;
  }

  async send(message: Message, signal: AbortSignal): Promise<undefined> {
    const { settings: values } = this.#lent;
    await this.#sending.until(signal, () =>
      this.#line.use((session) =>
        dropFile(
          new SftpStore(session, { mode: values.mode, sync: values.sync }),
          values,
          message,
          signal,
        ),
      ),
    );
    return undefined;
  }

  async close(): Promise<void> {
    await this.#sending.ended(GRACE);
    await this.#line.close();
  }
}
