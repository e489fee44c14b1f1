import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { AddressObject, ParsedMail } from 'mailparser';
import {
  type MailDocument,
  type MailDocumentAddress,
  type MailPart,
  mailDocument,
  mailPart,
  mailText,
} from './mail-part.ts';
import { charsetOf, fileName, mimeParts } from './mime-parts.ts';
import { Opening, oneOf } from './opened-parts.ts';
import type { TakeSettings } from './take-settings.ts';

export interface MailTaking extends Pick<TakeSettings, 'take' | 'pattern' | 'embedded'> {
  /** Called for a part that contains others and could not be opened. */
  readonly notOpened: (what: string) => void;
}

const PLAIN = { skipTextToHtml: true, skipImageLinks: true } as const;

/**
 * The messages of a mail, in order. The content is read as they are consumed: consume each before
 * asking for the next. Yields none if attachments are wanted and none matches. Forwarded mails,
 * signed ones and winmail.dat are opened.
 */
export async function* mailMessages(
  content: Readable,
  subject: string,
  taking: MailTaking,
): AsyncGenerator<MailPart> {
  const opening = new Opening(taking, taking.notOpened);
  try {
    if (taking.take === 'mail') {
      yield await mailPart(content, { name: subject, type: 'message/rfc822' });
    } else if (taking.take === 'attachments') {
      yield* attachments(content, opening);
    } else {
      const { simpleParser } = await import('mailparser');
      const parsed = await simpleParser(content, PLAIN);
      const document = await documentOf(parsed, opening);
      yield taking.take === 'text' ? mailText(document.text, subject) : mailDocument(document);
    }
  } finally {
    content.destroy();
  }
}

async function* attachments(content: Readable, opening: Opening): AsyncGenerator<MailPart> {
  for await (const part of mimeParts(content)) {
    for await (const file of opening.files(part)) yield await mailPart(file.content, file);
  }
}

async function documentOf(parsed: ParsedMail, opening: Opening): Promise<MailDocument> {
  const { messageId = '', date, subject = '' } = parsed;
  // Opening the parts also finds the text, if a signature or a winmail.dat wraps it.
  const opened = await files(parsed, opening);
  const said = { text: parsed.text ?? '', html: parsed.html || '' };
  const isWordless = said.text.trim() === '' && said.html === '';
  return {
    messageId,
    date: date?.toISOString() ?? '',
    from: addresses(parsed.from),
    to: addresses(parsed.to),
    cc: addresses(parsed.cc),
    subject,
    ...((isWordless ? opening.words : undefined) ?? said),
    attachments: opened,
  };
}

async function files(parsed: ParsedMail, opening: Opening): Promise<MailDocument['attachments']> {
  const found: MailDocument['attachments'][number][] = [];
  for (const {
    filename,
    contentType: type,
    headers,
    related = false,
    content,
  } of parsed.attachments) {
    const name = fileName(filename);
    const part = { name, type, charset: charsetOf(headers), related, content: oneOf(content) };
    for await (const file of opening.files(part)) {
      const bytes = await buffer(file.content);
      const size = bytes.length;
      found.push({ name: file.name, type: file.type, size, content: bytes.toString('base64') });
    }
  }
  return found;
}

function addresses(header: AddressObject | AddressObject[] | undefined): MailDocumentAddress[] {
  return [header ?? []]
    .flat()
    .flatMap(({ value }) => value)
    .flatMap((one) => one.group ?? [one])
    .map(({ name, address = '' }) => ({ name, address }));
}
