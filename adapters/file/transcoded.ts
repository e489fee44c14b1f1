import { type Message, SuspendError, setting } from 'waybill/adapter';
import { type Charset, charsetNamed, decodeFaithfully } from 'waybill/document';

/** The setting `charset` of a writer: the name of a text encoding that is known. */
export const charsetSetting: setting.Setting<Charset, string> = {
  kind: 'text',
  help: "Writes text in this encoding instead of the message's own. Left out, the bytes are written as they are.",
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
 * The message with its text in another encoding; it is held in memory for that. Throws SuspendError
 * where a character has no place in the encoding: a question mark in a patient's name is not ours to write.
 */
export async function transcoded(message: Message, wanted: Charset | undefined): Promise<Message> {
  if (wanted === undefined) return message;
  const { text, charset } = decodeFaithfully(
    await message.body.bytes(),
    charsetNamed(message.charset ?? 'utf-8'),
  );
  if (charset.name === wanted.name) return message;
  if (!wanted.canEncode(text)) {
    throw new SuspendError(
      `The message holds characters that ${wanted.name} does not have. Choose another charset, or correct the message, and resend.`,
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
