import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  type Enclosed,
  fileName,
  type MailDocument,
  type MailDocumentAddress,
  type MailPart,
  mailDocument,
  mailPart,
  mailText,
  Opening,
} from 'waybill/peer';
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
  /** Told of a part that holds others and could not be opened. */
  readonly notOpened: (what: string) => void;
}

/**
 * The messages of a mail, in its order; each is to be consumed before the next is asked for. Ends
 * without any where attachments are to be taken and none fits. Forwarded mails,
 * signed ones and winmail.dat are opened. Throws an UntakeableMail above the limit.
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
  const opening = new Opening(taking.settings, taking.notOpened);
  for (const { part } of await concerned(mail, taking, opening)) {
    for await (const file of opening.files(part)) yield await mailPart(file.content, file);
  }
}

/** Files and mails that are attached, as far as they are to be read. A link to a file in a cloud has no content here. */
async function concerned(
  mail: MailFacts,
  taking: Taking,
  opening: Opening,
): Promise<readonly { readonly part: Enclosed; readonly size: number }[]> {
  const query = '$select=id,name,contentType,size,isInline';
  const all = await taking.client.list(`/messages/${mail.id}/attachments?${query}`, taking.signal);
  return all
    .filter((one) => !textAt(one, '@odata.type').endsWith('referenceAttachment'))
    .map((one) => ({ part: partOf(mail, one, taking), size: Number(one['size'] ?? 0) }))
    .filter(({ part }) => opening.concerns(part));
}

function partOf(mail: MailFacts, one: Json, taking: Taking): Enclosed {
  const isItem = textAt(one, '@odata.type').endsWith('itemAttachment');
  return {
    name: fileName(textAt(one, 'name')),
    type: isItem ? 'message/rfc822' : textAt(one, 'contentType'),
    related: one['isInline'] === true,
    content: content(mail, textAt(one, 'id'), taking),
  };
}

/** Asked for once it is read. */
async function* content(
  mail: MailFacts,
  attachment: string,
  taking: Taking,
): AsyncGenerator<Uint8Array> {
  const path = `/messages/${mail.id}/attachments/${attachment}/$value`;
  yield* limited(await taking.client.stream(path, taking.signal), taking);
}

async function document(mail: MailFacts, taking: Taking): Promise<MailPart> {
  const { take } = taking.settings;
  const opening = new Opening(taking.settings, taking.notOpened);
  const text = contentOf(await body(mail, taking, 'text'));
  if (take === 'text') {
    if (text.trim() !== '') return mailText(text, mail.subject);
    await documentAttachments(mail, taking, opening);
    return mailText(opening.words?.text ?? text, mail.subject);
  }
  const html = await body(mail, taking, 'html');
  const isHtml = textAt(objectAt(html, 'body'), 'contentType') === 'html';
  const opened = await documentAttachments(mail, taking, opening);
  const words = text.trim() === '' ? opening.words : undefined;
  return mailDocument({
    messageId: mail.messageId,
    date: new Date(mail.received).toISOString(),
    from: addresses([objectAt(html, 'from')]),
    to: addresses(listAt(html, 'toRecipients')),
    cc: addresses(listAt(html, 'ccRecipients')),
    subject: mail.subject,
    text: words?.text ?? text,
    html: words?.html ?? (isHtml ? contentOf(html) : ''),
    attachments: opened,
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
  opening: Opening,
): Promise<MailDocument['attachments']> {
  const all = await concerned(mail, taking, opening);
  const total = all.reduce((sum, { size }) => sum + size, 0);
  if (total > taking.settings.limit) throw new UntakeableMail('it is larger than the limit');
  const found: MailDocument['attachments'][number][] = [];
  for (const { part } of all) {
    for await (const { name, type, content: bytes } of opening.files(part)) {
      const held = await buffer(bytes);
      found.push({ name, type, size: held.length, content: held.toString('base64') });
    }
  }
  return found;
}
