import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  explained,
  type Lent,
  type Message,
  NotConnectedError,
  type OpenOutbound,
  outbound,
  SuspendError,
  setting,
  toldElsewhere,
} from 'waybill/adapter';
import {
  type Charset,
  charsetNamed,
  decodeFaithfully,
  hl7CharsetName,
  hl7Header,
} from 'waybill/document';
import { type InFlight, inFlight } from 'waybill/peer/basics';
import {
  checkFileName,
  dropFile,
  dropSettings,
  FileError,
  fileMode,
  inFolder,
  tryWriting,
} from 'waybill/peer/folder';
import { diskFailure } from './disk-failure.ts';
import { type DiskOptions, DiskStore } from './disk-store.ts';

/** The setting `charset` of a writer: the name of a known text encoding. */
const charsetSetting: setting.Setting<Charset, string> = {
  kind: 'text',
  help: "Writes text in this encoding instead of the message's own; In HL7 that declares its encoding, MSH-18 is changed accordingly. If left out, the bytes are written unchanged.",
  example: 'ISO-8859-1',
  advanced: true,
  read: (given) => {
    const charset = typeof given === 'string' ? charsetNamed(given) : undefined;
    return charset === undefined
      ? setting.bad('must be a text encoding such as UTF-8, ISO-8859-1 or windows-1252')
      : setting.good(charset);
  },
};

/**
 * The message with its text in another encoding; it is held in memory for that. MSH-18 of HL7, if
 * present, names the new one. Throws SuspendError if the encoding lacks a character: we must not
 * write a question mark into a patient's name.
 */
async function transcoded(message: Message, wanted: Charset | undefined): Promise<Message> {
  if (wanted === undefined) return message;
  const bytesBefore = await message.body.bytes();
  const isHl7 = message.type.startsWith('HL7v2');
  const declared = isHl7 ? hl7Header(bytesBefore).charset : undefined;
  const own = message.charset === undefined ? declared : charsetNamed(message.charset);
  const { text: before, charset } = decodeFaithfully(bytesBefore, own);
  if (charset.name === wanted.name) return message;
  const text = isHl7 ? naming(before, wanted) : before;
  if (!wanted.canEncode(text)) {
    throw new SuspendError(
      `The message has characters that do not exist in ${wanted.name}. Choose another charset, or correct the message, and resend.`,
    );
  }
  const bytes = wanted.encode(text);
  return {
    ...message,
    charset: wanted.name,
    size: bytes.length,
    body: {
      size: bytes.length,
      inline: bytes,
      bytes: () => Promise.resolve(bytes),
      async *stream() {
        yield bytes;
      },
    },
  };
}

/**
 * The text with the new charset in every MSH-18 that names one: otherwise a receiver would decode
 * the new bytes by the old name.
 */
function naming(text: string, charset: Charset): string {
  return text.replaceAll(/(?<=^|[\r\n])MSH([^\r\n])[^\r\n]*/g, (segment, separator: string) => {
    const fields = segment.split(separator);
    if ((fields[17] ?? '').trim() === '') return segment;
    fields[17] = hl7CharsetName(charset);
    return fields.join(separator);
  });
}

const settings = {
  ...dropSettings('disk'),
  write: setting.choice(
    {
      file: 'Each message becomes a separate file',
      append: 'Messages are appended to the file of that name, which is created if missing',
    },
    {
      help: 'Whether a message is a file or is appended to one. Appending after a crash can repeat the last message.',
      default: 'file',
    },
  ),
  separator: setting.text({
    help: 'What is written after each appended message.',
    default: '\n',
    advanced: true,
  }),
  mode: setting.optional(fileMode),
  charset: setting.optional(charsetSetting),
  sync: setting.flag({
    help: 'Syncs each file to disk before the message counts as sent. Without it a power failure can lose files that were written in the last seconds.',
    default: true,
    advanced: true,
  }),
};

/** How long a message that was given up has to clean up after itself when the adapter closes. */
const GRACE = 1_000;

export default outbound({
  type: 'file-out',
  title: 'Files in a folder',
  summary: 'Writes each message as a file into a folder on this machine.',
  settings,
  check: ({ write, marker }) =>
    Promise.resolve(
      write === 'append' && marker !== undefined
        ? [
            {
              path: ['marker'],
              what: 'is not written for files that grow',
              remedy: 'Leave out marker, or set write to file.',
            },
          ]
        : [],
    ),
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
  /** The same for each try, by which an earlier one is known. */
  readonly #texts = new WeakMap<Message, Message>();

  constructor(lent: Lent<typeof settings>) {
    const { mode, sync, separator } = lent.settings;
    this.#lent = lent;
    this.#options = { mode, sync };
    this.#store = new DiskStore(this.#options);
    this.#appender = new Appender(this.#options, separator);
  }

  /** A missing folder is noticed at once, not when the first message waits for it. */
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
      const text = this.#texts.get(message) ?? (await transcoded(message, values.charset));
      this.#texts.set(message, text);
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

/** A link with the file's name is not followed: anyone who can write into the folder could have any file written. */
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/** Appends messages to files, one at a time for each file. */
class Appender {
  readonly #options: DiskOptions;
  readonly #separator: Buffer;
  readonly #turns = new Map<string, Promise<void>>();

  constructor(options: DiskOptions, separator: string) {
    this.#options = options;
    this.#separator = Buffer.from(separator, 'utf8');
  }

  /**
   * Resolves once the message and the separator are in the file. If that fails in the middle, the
   * file is truncated to its previous length, so that the next try does not follow half a message.
   */
  async append(path: string, { body }: Message, signal: AbortSignal): Promise<void> {
    const before = this.#turns.get(path) ?? Promise.resolve();
    const own = before.catch(toldElsewhere).then(() => this.#write(path, body.stream(), signal));
    this.#turns.set(path, own);
    try {
      await own;
    } catch (error) {
      throw diskFailure(error, dirname(path));
    } finally {
      if (this.#turns.get(path) === own) this.#turns.delete(path);
    }
  }

  async #write(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const file = await open(path, APPEND, this.#options.mode ?? 0o666);
    try {
      const { size } = await file.stat();
      try {
        for await (const chunk of body) {
          signal.throwIfAborted();
          await file.writeFile(chunk);
        }
        await file.writeFile(this.#separator);
        if (this.#options.sync) await file.sync();
      } catch (error) {
        await file.truncate(size);
        throw error;
      }
    } finally {
      await file.close();
    }
  }
}
