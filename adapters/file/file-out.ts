import {
  explained,
  type Lent,
  type Message,
  NotConnectedError,
  type OpenOutbound,
  outbound,
  setting,
} from 'waybill/adapter';
import {
  checkFileName,
  dropFile,
  dropSettings,
  FileError,
  fileMode,
  type InFlight,
  inFlight,
  inFolder,
  tryWriting,
} from 'waybill/peer';
import { Appender } from './append.ts';
import { type DiskOptions, DiskStore } from './disk-store.ts';
import { charsetSetting, transcoded } from './transcoded.ts';

const settings = {
  ...dropSettings('disk'),
  write: setting.choice(
    {
      file: 'Each message becomes a file of its own',
      append: 'Messages are added to the file of that name, or begin it',
    },
    {
      help: 'Whether a message is a file or a part of one. Appending after a crash can repeat the last message.',
      default: 'file',
    },
  ),
  separator: setting.text({
    help: 'What is written after each message that is appended.',
    default: '\n',
    advanced: true,
  }),
  mode: setting.optional(fileMode),
  charset: setting.optional(charsetSetting),
  sync: setting.flag({
    help: 'Brings each file to the disk before the message counts as sent. Without it a power failure can lose files that were written in the last seconds.',
    default: true,
    advanced: true,
  }),
};

/** How long a message that was given up has to clear up after itself when the adapter closes. */
const GRACE = 1_000;

export default outbound({
  type: 'file-out',
  title: 'Files in a folder',
  summary: 'Puts each message as a file into a folder of this machine.',
  settings,
  async open(lent) {
    const out = new FileOut(lent);
    await out.open();
    return out;
  },
  async test({ settings: { folder, temporary, makeFolder } }, step) {
    const store = new DiskStore({ sync: false });
    await step('path', (detail) =>
      explained(async () => {
        if (makeFolder) await store.makeFolder(folder.top);
        const entries = await store.list(folder.top);
        detail(`${folder.top} holds ${entries.length} entries`);
      }),
    );
    await step('permission', (detail) =>
      explained(async () => {
        if (!folder.isFixed) return detail('not tried: the folder depends on the message');
        await tryWriting(store, folder.top, temporary);
        detail('a temporary file could be written and deleted');
      }),
    );
  },
});

class FileOut implements OpenOutbound {
  readonly #lent: Lent<typeof settings>;
  readonly #options: DiskOptions;
  readonly #store: DiskStore;
  readonly #appender: Appender;
  readonly #sending: InFlight = inFlight();

  constructor(lent: Lent<typeof settings>) {
    const { mode, sync, separator } = lent.settings;
    this.#lent = lent;
    this.#options = { mode, sync };
    this.#store = new DiskStore(this.#options);
    this.#appender = new Appender(this.#options, separator);
  }

  /** A folder that is away shows at once, not when the first message waits for it. */
  async open(): Promise<void> {
    const { folder, makeFolder } = this.#lent.settings;
    try {
      if (makeFolder) await this.#store.makeFolder(folder.top);
      await this.#store.list(folder.top);
    } catch (error) {
      if (error instanceof FileError) throw new NotConnectedError(error.message);
      throw error;
    }
    this.#lent.connection('connected', folder.top);
  }

  async send(message: Message, signal: AbortSignal): Promise<undefined> {
    const { settings: values } = this.#lent;
    await this.#sending.until(signal, async () => {
      const text = await transcoded(message, values.charset);
      if (values.write === 'append') await this.#append(text, signal);
      else await dropFile(this.#store, values, text, signal);
    });
  }

  async close(): Promise<void> {
    await this.#sending.ended(GRACE);
  }

  async #append(message: Message, signal: AbortSignal): Promise<void> {
    const { settings: values } = this.#lent;
    const folder = await values.folder.render(message);
    const name = await values.name.render(message);
    checkFileName(name);
    if (values.makeFolder) await this.#store.makeFolder(folder);
    await this.#appender.append(inFolder(folder, name), message, signal);
  }
}
