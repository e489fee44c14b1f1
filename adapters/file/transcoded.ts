import { type Message, SuspendError, setting } from 'waybill/adapter';
import {
  type Charset,
  charsetNamed,
  decodeFaithfully,
  hl7CharsetName,
  hl7Header,
} from 'waybill/document';

/** The setting `charset` of a writer: the name of a text encoding that is known. */
export const charsetSetting: setting.Setting<Charset, string> = {
  kind: 'text',
  help: "Writes text in this encoding instead of the message's own; HL7 that names its encoding (MSH-18) names this one. Left out, the bytes are written as they are.",
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
 * The message with its text in another encoding; it is held in memory for that. HL7 that names its
 * encoding (MSH-18) names the new one. Throws SuspendError
 * where a character has no place in the encoding: a question mark in a patient's name is not ours to write.
 */
export async function transcoded(message: Message, wanted: Charset | undefined): Promise<Message> {
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

/** The text with the charset in every MSH-18 that names one: a receiver would read the new bytes by the old name. */
function naming(text: string, charset: Charset): string {
  return text.replaceAll(/(?<=^|[\r\n])MSH([^\r\n])[^\r\n]*/g, (segment, separator: string) => {
    const fields = segment.split(separator);
    if ((fields[17] ?? '').trim() === '') return segment;
    fields[17] = hl7CharsetName(charset);
    return fields.join(separator);
  });
}
