import type { Message } from 'waybill/adapter';
import type { Letter, LetterAttachment, Mailbox } from 'waybill/peer';

/** Requests may have 4 MB; texts and the rest of the JSON need some of it. */
const IN_REQUEST = 2.8 * 1024 * 1024;
/** From here on an attachment needs an upload session. */
export const NEEDS_SESSION = 3 * 1024 * 1024;

/** A named property that marks our mails, by a number of our own. */
const PROPERTY = 'String {6d1c9d3e-6f0c-4c0e-9a52-3b6f1c1f7a10} Name WaybillMessage';

/** How an attachment travels: in the request that makes the mail, in one of its own, or in pieces. */
export function travelOf(attachment: LetterAttachment | undefined): 'along' | 'alone' | 'pieces' {
  if (attachment === undefined || attachment.body.size <= IN_REQUEST) return 'along';
  return attachment.body.size < NEEDS_SESSION ? 'alone' : 'pieces';
}

/** The message resource of a letter. `mark` is found again with `filterFor`. */
export async function graphMail(
  letter: Letter,
  message: Message,
  mark: string | undefined,
): Promise<object> {
  const { text, html, replyTo, attachment } = letter;
  const along = attachment !== undefined && travelOf(attachment) === 'along';
  return {
    subject: letter.subject,
    body: { contentType: html === undefined ? 'text' : 'html', content: html ?? text ?? '' },
    from: recipient(letter.from),
    toRecipients: letter.to.map(recipient),
    ccRecipients: letter.cc.map(recipient),
    bccRecipients: letter.bcc.map(recipient),
    ...(replyTo === undefined ? {} : { replyTo: [recipient(replyTo)] }),
    internetMessageId: `<waybill.${message.id}@${letter.from.address.split('@').at(-1)}>`,
    ...(along ? { attachments: [await graphAttachment(attachment)] } : {}),
    ...(mark === undefined
      ? {}
      : { singleValueExtendedProperties: [{ id: PROPERTY, value: mark }] }),
  };
}

function recipient({ name, address }: Mailbox): object {
  return { emailAddress: name === '' ? { address } : { name, address } };
}

/** An attachment with its content, for a request that takes it whole. */
export async function graphAttachment({ name, type, body }: LetterAttachment): Promise<object> {
  return {
    '@odata.type': '#microsoft.graph.fileAttachment',
    name,
    contentType: type,
    contentBytes: Buffer.from(await body.bytes()).toString('base64'),
  };
}

/** Finds the mails with a mark. */
export function filterFor(mark: string): string {
  const value = mark.replaceAll("'", "''");
  return `singleValueExtendedProperties/any(ep: ep/id eq '${PROPERTY}' and ep/value eq '${value}')`;
}
