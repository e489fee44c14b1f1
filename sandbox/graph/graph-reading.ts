import { randomUUID } from 'node:crypto';
import { type AddressObject, simpleParser } from 'mailparser';
import type { GraphAttachment, GraphContent, GraphRecipient } from './graph-message.ts';
import { badRequest } from './graph-refusal.ts';

type Json = Readonly<Record<string, unknown>>;

export const asObject = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {};

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What a client wrote as a message resource. */
export function contentOf(json: Json): GraphContent {
  const body = asObject(json['body']);
  const from = recipients([json['from'] ?? json['sender']]);
  return {
    subject: asText(json['subject']),
    body: {
      contentType: asText(body['contentType']).toLowerCase() === 'html' ? 'html' : 'text',
      content: asText(body['content']),
    },
    from: from[0],
    toRecipients: recipients(json['toRecipients']),
    ccRecipients: recipients(json['ccRecipients']),
    bccRecipients: recipients(json['bccRecipients']),
    replyTo: recipients(json['replyTo']),
    internetMessageId: asText(json['internetMessageId']) || `<${randomUUID()}@sandbox.example>`,
    attachments: asList(json['attachments']).map((one) => attachmentOf(asObject(one))),
    extended: asList(json['singleValueExtendedProperties']).map((one) => {
      const { id, value } = asObject(one);
      return { id: asText(id), value: asText(value) };
    }),
    headers: asList(json['internetMessageHeaders']).map((one) => headerOf(asObject(one))),
  };
}

function headerOf({ name, value }: Json): { name: string; value: string } {
  if (!/^x-/i.test(asText(name))) {
    throw badRequest('The internet message header name should start with x- or X-.');
  }
  return { name: asText(name), value: asText(value) };
}

function recipients(value: unknown): readonly GraphRecipient[] {
  return asList(value).flatMap((one) => {
    const { name, address } = asObject(asObject(one)['emailAddress']);
    if (asText(address) === '') return [];
    const named = asText(name) === '' ? {} : { name: asText(name) };
    return [{ emailAddress: { ...named, address: asText(address) } }];
  });
}

export function attachmentOf(json: Json): GraphAttachment {
  if (asText(json['@odata.type']) !== '#microsoft.graph.fileAttachment') {
    throw badRequest('Required property @odata.type is missing or names no attachment.');
  }
  if (asText(json['name']) === '') throw badRequest('Required property name is missing.');
  return {
    id: `AAMkAT${randomUUID()}`,
    kind: 'file',
    name: asText(json['name']),
    contentType: asText(json['contentType']) || 'application/octet-stream',
    isInline: json['isInline'] === true,
    contentId: asText(json['contentId']) || undefined,
    content: Buffer.from(asText(json['contentBytes']), 'base64'),
  };
}

/** A mail in MIME form, received over the internet or sent by a client. */
export async function contentOfMime(mime: Buffer): Promise<GraphContent> {
  const parsed = await simpleParser(mime, { skipTextToHtml: true, skipImageLinks: true });
  const html = parsed.html === false ? undefined : parsed.html;
  return {
    subject: parsed.subject ?? '',
    body:
      html === undefined
        ? { contentType: 'text', content: parsed.text ?? '' }
        : { contentType: 'html', content: html },
    from: addresses(parsed.from)[0],
    toRecipients: addresses(parsed.to),
    ccRecipients: addresses(parsed.cc),
    bccRecipients: addresses(parsed.bcc),
    replyTo: addresses(parsed.replyTo),
    internetMessageId: parsed.messageId ?? `<${randomUUID()}@sandbox.example>`,
    attachments: parsed.attachments.map((one) => ({
      id: `AAMkAT${randomUUID()}`,
      kind: one.contentType === 'message/rfc822' ? 'item' : 'file',
      name: one.filename ?? 'attachment',
      contentType: one.contentType,
      isInline: one.related === true,
      contentId: one.cid,
      content: one.content,
    })),
    extended: [],
    headers: [],
    mime,
  };
}

function addresses(header: AddressObject | AddressObject[] | undefined): GraphRecipient[] {
  return [header ?? []]
    .flat()
    .flatMap(({ value }) => value)
    .map(({ name, address = '' }) => ({
      emailAddress: { ...(name === '' ? {} : { name }), address },
    }));
}
