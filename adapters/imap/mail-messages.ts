import type { Readable } from 'node:stream';
import {
  type AddressObject,
  type AttachmentStream,
  MailParser,
  type MessageText,
  type ParsedMail,
  simpleParser,
} from 'mailparser';
import {
  isMeant,
  type MailDocumentAddress,
  type MailPart,
  mailDocument,
  mailPart,
  mailText,
  type NewMessage,
  type TakeSettings,
} from 'waybill/adapter';

type Taking = Pick<TakeSettings, 'take' | 'pattern' | 'embedded'>;

const PLAIN = { skipTextToHtml: true, skipImageLinks: true } as const;

/**
 * The messages of a mail, in its order. The content is read as they are consumed: each is to be
 * consumed before the next is asked for. Ends without any where attachments are to be taken and none
 * fits.
 */
export async function* mailMessages(
  content: Readable,
  subject: string,
  taking: Taking,
): AsyncGenerator<MailPart> {
  try {
    if (taking.take === 'mail') {
      yield await mailPart(content, { name: subject, type: 'message/rfc822' });
    } else if (taking.take === 'attachments') {
      yield* attachments(content, taking);
    } else {
      const parsed = await simpleParser(content, PLAIN);
      yield taking.take === 'text'
        ? mailText(parsed.text ?? '', subject)
        : documentOf(parsed, taking);
    }
  } finally {
    content.destroy();
  }
}

async function* attachments(content: Readable, taking: Taking): AsyncGenerator<MailPart> {
  const parser = new MailParser({ ...PLAIN, skipHtmlToText: true });
  let current: AttachmentStream | undefined;
  content.on('error', (error) => {
    // The parser would leave whoever reads an attachment waiting for the rest for ever.
    current?.content.destroy(error);
    parser.destroy(error);
  });
  content.pipe(parser);
  try {
    for await (const found of parser as AsyncIterable<AttachmentStream | MessageText>) {
      if (found.type === 'text') continue;
      current = found;
      const part = isWanted(found, taking) ? await attachment(found) : undefined;
      if (part !== undefined) yield part;
      await drain(part?.body ?? found.content);
      found.release?.();
    }
  } finally {
    parser.destroy();
  }
}

/** What nobody read must be read, or the parser waits for it for ever. */
async function drain(body: NewMessage['body']): Promise<void> {
  if (body instanceof Uint8Array) return;
  for await (const _ of body);
}

function attachment(found: AttachmentStream): Promise<MailPart> {
  const header = found.headers.get('content-type');
  const charset = (header as { params?: { charset?: string } } | undefined)?.params?.charset;
  return mailPart(found.content, { name: nameOf(found), type: found.contentType, charset });
}

/** Without folders, which a sender may have put there. */
function nameOf({ filename = '' }: Pick<AttachmentStream, 'filename'>): string {
  return filename.slice(Math.max(filename.lastIndexOf('/'), filename.lastIndexOf('\\')) + 1);
}

function isWanted(
  found: Pick<AttachmentStream, 'filename' | 'related'>,
  { pattern, embedded }: Taking,
): boolean {
  return (embedded || found.related !== true) && isMeant(nameOf(found), pattern);
}

function documentOf(parsed: ParsedMail, taking: Taking): MailPart {
  return mailDocument({
    messageId: parsed.messageId ?? '',
    date: parsed.date?.toISOString() ?? '',
    from: addresses(parsed.from),
    to: addresses(parsed.to),
    cc: addresses(parsed.cc),
    subject: parsed.subject ?? '',
    text: parsed.text ?? '',
    html: parsed.html === false ? '' : (parsed.html ?? ''),
    attachments: parsed.attachments
      .filter((one) => isWanted(one, taking))
      .map((one) => ({
        name: nameOf(one),
        type: one.contentType,
        size: one.size,
        content: one.content.toString('base64'),
      })),
  });
}

function addresses(header: AddressObject | AddressObject[] | undefined): MailDocumentAddress[] {
  return [header ?? []]
    .flat()
    .flatMap(({ value }) => value)
    .flatMap((one) => one.group ?? [one])
    .map(({ name, address = '' }) => ({ name, address }));
}
