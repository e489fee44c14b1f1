import { buffer } from 'node:stream/consumers';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { GraphMessage, GraphRecipient } from './graph-message.ts';

/** The MIME form of a message: as it came, or written from its properties. */
export function mimeOf(message: GraphMessage): Promise<Buffer> {
  if (message.mime !== undefined) return Promise.resolve(message.mime);
  const { body, from } = message;
  const composed = new MailComposer({
    ...(from === undefined ? {} : { from: plain(from) }),
    to: message.toRecipients.map(plain),
    cc: message.ccRecipients.map(plain),
    subject: message.subject,
    messageId: message.internetMessageId,
    date: new Date(message.received),
    ...(body.contentType === 'html' ? { html: body.content } : { text: body.content }),
    attachments: message.attachments.map((one) => ({
      filename: one.name,
      contentType: one.contentType,
      content: one.content,
    })),
    headers: message.headers.map(({ name, value }) => ({ key: name, value })),
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  return buffer(composed.createReadStream());
}

function plain({ emailAddress }: GraphRecipient): { name: string; address: string } {
  return { name: emailAddress.name ?? '', address: emailAddress.address };
}
