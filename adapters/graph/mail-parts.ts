import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  isMeant,
  type MailDocumentAddress,
  type MailPart,
  mailDocument,
  mailPart,
  mailText,
} from 'waybill/adapter';
import type { GraphClient } from './graph-client.ts';
import { NoAnswer } from './graph-error.ts';
import type { GraphInValues } from './graph-in-settings.ts';
import { type Json, listAt, objectAt, textAt } from './graph-json.ts';
import type { MailFacts } from './mail-changes.ts';

/** A mail that can never be taken; the text says why. */
export class UntakeableMail extends Error {}

/** What went wrong with reading, while the engine consumed a message: it may put it into words of its own. */
export interface Reading {
  problem?: unknown;
}

export interface Taking {
  readonly reading: Reading;
  readonly client: GraphClient;
  readonly settings: Pick<GraphInValues, 'take' | 'pattern' | 'embedded' | 'limit'>;
  readonly signal: AbortSignal;
}

/**
 * The messages of a mail, in its order; each is to be consumed before the next is asked for. Ends
 * without any where attachments are to be taken and none fits. Throws an UntakeableMail above the limit.
 */
export async function* mailParts(mail: MailFacts, taking: Taking): AsyncGenerator<MailPart> {
  const { take } = taking.settings;
  if (take === 'mail') yield await wholeMail(mail, taking);
  else if (take === 'attachments') yield* attachments(mail, taking);
  else yield await document(mail, taking);
}

async function wholeMail(mail: MailFacts, taking: Taking): Promise<MailPart> {
  const stream = await taking.client.stream(`/messages/${mail.id}/$value`, taking.signal);
  return mailPart(limited(stream, taking), { name: mail.subject, type: 'message/rfc822' });
}

/** Graph does not tell the size of a mail. */
async function* limited(
  stream: Readable,
  { settings: { limit }, reading }: Taking,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > limit) throw new UntakeableMail('it is larger than the limit');
      yield chunk;
    }
  } catch (error) {
    reading.problem = error instanceof UntakeableMail ? error : new NoAnswer(error, true);
    throw error;
  } finally {
    stream.destroy();
  }
}

async function* attachments(mail: MailFacts, taking: Taking): AsyncGenerator<MailPart> {
  for (const one of await wanted(mail, taking)) {
    const part = await mailPart(await content(mail, one, taking), {
      name: nameOf(one),
      type: isItem(one) ? 'message/rfc822' : textAt(one, 'contentType'),
    });
    yield part;
  }
}

async function content(
  mail: MailFacts,
  attachment: Json,
  taking: Taking,
): Promise<AsyncIterable<Uint8Array>> {
  const path = `/messages/${mail.id}/attachments/${textAt(attachment, 'id')}/$value`;
  return limited(await taking.client.stream(path, taking.signal), taking);
}

/** Files and mails that are attached. A link to a file in a cloud has no content here. */
async function wanted(
  mail: MailFacts,
  { client, settings, signal }: Taking,
): Promise<readonly Json[]> {
  const query = '$select=id,name,contentType,size,isInline';
  const all = await client.list(`/messages/${mail.id}/attachments?${query}`, signal);
  return all.filter(
    (one) =>
      !textAt(one, '@odata.type').endsWith('referenceAttachment') &&
      (settings.embedded || one['isInline'] !== true) &&
      isMeant(nameOf(one), settings.pattern),
  );
}

const isItem = (one: Json): boolean => textAt(one, '@odata.type').endsWith('itemAttachment');

/** Without folders, which a sender may have put there. */
function nameOf(one: Json): string {
  const name = textAt(one, 'name');
  return name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
}

async function document(mail: MailFacts, taking: Taking): Promise<MailPart> {
  const { take } = taking.settings;
  const text = await body(mail, taking, 'text');
  if (take === 'text') return mailText(contentOf(text), mail.subject);
  const html = await body(mail, taking, 'html');
  const isHtml = textAt(objectAt(html, 'body'), 'contentType') === 'html';
  return mailDocument({
    messageId: mail.messageId,
    date: new Date(mail.received).toISOString(),
    from: addresses([objectAt(html, 'from')]),
    to: addresses(listAt(html, 'toRecipients')),
    cc: addresses(listAt(html, 'ccRecipients')),
    subject: mail.subject,
    text: contentOf(text),
    html: isHtml ? contentOf(html) : '',
    attachments: await documentAttachments(mail, taking),
  });
}

const contentOf = (json: Json): string => textAt(objectAt(json, 'body'), 'content');

function body(mail: MailFacts, { client, signal }: Taking, type: 'text' | 'html'): Promise<Json> {
  const query = '$select=body,from,toRecipients,ccRecipients';
  const prefer = `IdType="ImmutableId", outlook.body-content-type="${type}"`;
  return client.ask('GET', `/messages/${mail.id}?${query}`, { headers: { prefer }, signal });
}

function addresses(recipients: readonly Json[]): MailDocumentAddress[] {
  return recipients.flatMap((one) => {
    const { name, address } = objectAt(one, 'emailAddress');
    return typeof address === 'string'
      ? [{ name: typeof name === 'string' ? name : '', address }]
      : [];
  });
}

/** In memory, and so bounded by the limit together. */
async function documentAttachments(
  mail: MailFacts,
  taking: Taking,
): Promise<{ name: string; type: string; size: number; content: string }[]> {
  const all = await wanted(mail, taking);
  const size = all.reduce((sum, one) => sum + Number(one['size'] ?? 0), 0);
  if (size > taking.settings.limit) throw new UntakeableMail('it is larger than the limit');
  const found = [];
  for (const one of all) {
    const bytes = await buffer(await content(mail, one, taking));
    const type = isItem(one) ? 'message/rfc822' : textAt(one, 'contentType');
    found.push({ name: nameOf(one), type, size: bytes.length, content: bytes.toString('base64') });
  }
  return found;
}
