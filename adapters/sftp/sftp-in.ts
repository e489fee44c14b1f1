import {
  DisableError,
  inbound,
  type LentInbound,
  type Open,
  type Pickup,
  pickup,
  pickupSettings,
  placeOf,
  poll,
  setting,
  tryWriting,
} from 'waybill/adapter';
import { SftpLine } from './sftp-line.ts';
import { sftpSettings } from './sftp-settings.ts';
import { SftpStore } from './sftp-store.ts';
import { testSftp } from './sftp-test.ts';

const settings = { ...sftpSettings, ...pickupSettings(setting.text) };

/** How long a service waits after a refused sign-in or a changed host key: an account that is tried every few seconds is locked. */
const REFUSED_PAUSE = 5 * 60_000;

export default inbound({
  type: 'sftp-in',
  title: 'Files from an SFTP server',
  summary:
    'Delivers each file of a folder of an SFTP server, and archives or deletes it once it is stored.',
  polling: true,
  settings,
  async open(lent) {
    const line = new SftpLine(lent);
    const files = pickup(lent.settings, lent, `sftp://${placeOf(lent.settings.connect)}`);
    const service = new SftpIn(line, files, lent);
    await service.connectFirst();
    return service;
  },
  async test(lent, step) {
    const { folder, keep, archive } = lent.settings;
    await testSftp(lent, step, async (store, told) => {
      await told('path', async (detail) => {
        const entries = await store.list(folder);
        detail(`${folder || 'the start folder'} holds ${entries.length} entries`);
      });
      await told('permission', async (detail) => {
        if (keep) return detail('files are only read');
        await tryWriting(store, folder, '.*.part');
        detail(
          `files in ${folder || 'the start folder'} can be ${archive === undefined ? 'deleted' : 'moved'}`,
        );
      });
    });
  },
});

class SftpIn implements Open {
  readonly #line: SftpLine;
  readonly #files: Pickup;
  readonly #lent: LentInbound<typeof settings>;
  #poll: Open | undefined;
  #notBefore = 0;

  constructor(line: SftpLine, files: Pickup, lent: LentInbound<typeof settings>) {
    this.#line = line;
    this.#files = files;
    this.#lent = lent;
  }

  /** A server that is down shows when the service opens, which the engine tries again; then looking begins. */
  async connectFirst(): Promise<void> {
    try {
      await this.#refusable(() => this.#line.use(() => Promise.resolve()));
    } catch (error) {
      await this.#line.close();
      throw error;
    }
    this.#poll = poll(this.#lent.settings.every, this.#lent, (signal) =>
      this.#refusable(() =>
        this.#line.use((session) => this.#files.look(new SftpStore(session), signal)),
      ),
    );
  }

  async close(): Promise<void> {
    await this.#poll?.close();
    await this.#line.close();
  }

  async #refusable(run: () => Promise<void>): Promise<void> {
    if (performance.now() < this.#notBefore) return;
    try {
      await run();
    } catch (error) {
      if (!(error instanceof DisableError)) throw error;
      this.#notBefore = performance.now() + REFUSED_PAUSE;
      this.#lent.connection('disconnected', error.message);
      this.#lent.event('error', 'refused', `${error.message} It is tried again in 5 minutes.`);
    }
  }
}
