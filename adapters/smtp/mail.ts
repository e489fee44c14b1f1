import { Readable } from 'node:stream';
import DKIM from 'nodemailer/lib/dkim';
import MailComposer, { type MailComposerAttachment } from 'nodemailer/lib/mail-composer';
import type MimeNode from 'nodemailer/lib/mime-node';
import type { Body, Message } from 'waybill/adapter';
import { asBuffer } from 'waybill/peer/basics';
import type { Letter, Mailbox } from 'waybill/peer/mail';

/** A mail ready to be sent, as often as necessary: each time the same bytes. */
export interface Mail {
  readonly recipients: readonly string[];
  /** Its minimum size in bytes, without headers. */
  readonly size: number;
  /** The whole mail. An error of the message's body is passed to `failed`; the stream ends with another one. */
  content(failed: (error: unknown) => void): Readable;
}

/** How to sign mails, so that receivers can verify that they come from the domain. */
export interface Signature {
  readonly domain: string;
  readonly selector: string;
  /** PEM. */
  readonly privateKey: string;
}

/** Base64 in lines of 76 characters, 57 bytes each. */
const encodedSize = (bytes: number): number => Math.ceil(bytes / 57) * 78;
/**
 * Writes the letter of a message as MIME. Message-ID, date and boundaries follow from the message,
 * so a mail that is sent again is identical, and receivers can recognise it.
 */
export function mail(letter: Letter, message: Message, signature: Signature | undefined): Mail {
  const { to, cc, bcc, attachment, text = '', html = '' } = letter;
  const texts = Buffer.byteLength(text) + Buffer.byteLength(html);
  return {
    recipients: [...new Set([...to, ...cc, ...bcc].map(({ address }) => address))],
    size: texts + encodedSize(attachment?.body.size ?? 0),
    content(failed) {
      const body = attachment === undefined ? undefined : contentOf(attachment.body, failed);
      const plain = compose(letter, message, body).createReadStream();
      const stream = signature === undefined ? plain : dkim(signature).sign(plain);
      // After an interruption, the store must not be left waiting for the rest to be read.
      stream.once('close', () => {
        plain.destroy();
        if (body instanceof Readable) body.destroy();
      });
      return stream;
    },
  };
}

/** A body that is not in memory is read from the store while it is sent, each time again. */
function contentOf(body: Body, failed: (error: unknown) => void): Readable | Buffer {
  const { inline } = body;
  return inline === undefined ? Readable.from(guarded(body.stream(), failed)) : asBuffer(inline);
}

/** nodemailer writes its own codes into the errors it gets, so it gets none of ours. */
async function* guarded(
  stream: AsyncIterable<Uint8Array>,
  failed: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    failed(error);
    throw new Error('the body broke off', { cause: error });
  }
}

function compose(
  letter: Letter,
  message: Message,
  content: Readable | Buffer | undefined,
): MimeNode {
  const { text, html, replyTo } = letter;
  return new MailComposer({
    from: letter.from,
    to: [...letter.to],
    cc: [...letter.cc],
    ...(replyTo === undefined ? {} : { replyTo }),
    subject: letter.subject,
    ...(text === undefined ? {} : { text }),
    ...(html === undefined ? {} : { html }),
    attachments: attachments(letter, content),
    messageId: messageId(message, letter.from),
    date: new Date(message.created),
    baseBoundary: `waybill-${message.id}`,
    // Prevents "out of office" replies (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated' },
    xMailer: false,
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
}

function attachments(
  { attachment }: Letter,
  content: Readable | Buffer | undefined,
): MailComposerAttachment[] {
  if (attachment === undefined || content === undefined) return [];
  const { name: filename, type: contentType } = attachment;
  return [{ filename, contentType, content, contentTransferEncoding: 'base64' }];
}

/** The same for every try of a message, but different when a person resends it. */
function messageId(message: Message, from: Mailbox): string {
  return `<waybill.${message.id}@${from.address.split('@').at(-1)}>`;
}

function dkim({ domain, selector, privateKey }: Signature): DKIM {
  return new DKIM({ domainName: domain, keySelector: selector, privateKey });
}
