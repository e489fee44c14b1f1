import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import DKIM from 'nodemailer/lib/dkim';
import MailComposer, { type MailComposerAttachment } from 'nodemailer/lib/mail-composer';
import type MimeNode from 'nodemailer/lib/mime-node';
import type { Letter, LetterAttachment, Mailbox, Message } from 'waybill/adapter';

/** A mail ready to be handed over, as often as it takes: each time the same bytes. */
export interface Mail {
  readonly recipients: readonly string[];
  /** Exact where the body is in memory, else an estimate that is not too small. */
  readonly size: number;
  content(): AsyncIterable<Uint8Array>;
}

/** Signs mails so that receivers can tell that they come from the domain. */
export interface Signature {
  readonly domain: string;
  readonly selector: string;
  /** PEM. */
  readonly privateKey: string;
}

/** Base64 in lines of 76 characters, 57 bytes each. */
const encodedSize = (bytes: number): number => Math.ceil(bytes / 57) * 78;
/** Headers, boundaries and a DKIM signature. */
const FRAME = 8_192;

/**
 * Writes the letter of a message as MIME. Message-ID, date and boundaries follow from the message,
 * so that a mail that is sent again is the same mail, and receivers can recognise it.
 */
export async function mail(
  letter: Letter,
  message: Message,
  signature: Signature | undefined,
): Promise<Mail> {
  const recipients = [
    ...new Set([...letter.to, ...letter.cc, ...letter.bcc].map(({ address }) => address)),
  ];
  const { attachment } = letter;
  if (attachment === undefined || attachment.body.inline !== undefined) {
    const plain = await compose(letter, message, attached(attachment)).build();
    const bytes = signature === undefined ? plain : await buffer(dkim(signature).sign(plain));
    return {
      recipients,
      size: bytes.length,
      async *content() {
        yield bytes;
      },
    };
  }
  const texts = Buffer.byteLength(letter.text ?? '') + Buffer.byteLength(letter.html ?? '');
  return {
    recipients,
    size: encodedSize(attachment.body.size) + encodedSize(texts) + FRAME,
    content: () => {
      const stream = compose(letter, message, attached(attachment)).createReadStream();
      return signature === undefined ? stream : dkim(signature).sign(stream);
    },
  };
}

/** A large body is read from the store as it is sent, each time anew. */
function attached(attachment: LetterAttachment | undefined): MailComposerAttachment[] {
  if (attachment === undefined) return [];
  const { body, name, type } = attachment;
  const content =
    body.inline === undefined ? Readable.from(body.stream()) : Buffer.from(body.inline);
  return [{ filename: name, contentType: type, content, contentTransferEncoding: 'base64' }];
}

function compose(
  letter: Letter,
  message: Message,
  attachments: MailComposerAttachment[],
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
    attachments,
    messageId: messageId(message, letter.from),
    date: new Date(message.created),
    baseBoundary: `waybill-${message.id}`,
    // Keeps "out of office" answers away (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated' },
    xMailer: false,
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
}

/** The same for every try of a message, another for one that a person resends. */
function messageId(message: Message, from: Mailbox): string {
  return `<waybill.${message.id}@${from.address.split('@').at(-1)}>`;
}

function dkim({ domain, selector, privateKey }: Signature): DKIM {
  return new DKIM({ domainName: domain, keySelector: selector, privateKey });
}
