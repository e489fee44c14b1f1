import type { Receipt } from 'waybill/adapter';
import { acknowledgement, type Hl7Header, hl7Header } from 'waybill/document';
import {
  contentTypeOf,
  type HttpReply,
  type Incoming,
  mediaTypeOf,
  messageTypeOf,
  type Refusal,
  relayedAnswer,
} from 'waybill/peer';
import type { HttpInValues } from './http-in-settings.ts';

/** The first letter of MSH. */
const M = 0x4d;

/** The status of an answer by its code: as usual in web services, and as in HL7 over HTTP (§1.3). */
const STATUSES = {
  web: { AA: 200, AE: 422, AR: 503 },
  'hl7-over-http': { AA: 200, AE: 500, AR: 400 },
} as const;

/** A message to be answered in HL7. */
export interface Hl7Question {
  readonly header: Hl7Header;
  /** The charset for the answer, if the caller named one. */
  readonly charset: string | undefined;
}

type AnswerSettings = Pick<HttpInValues, 'answer' | 'storedStatus' | 'hl7Statuses'>;

/** Undefined unless the body is HL7, is not an acknowledgement itself, and the caller does not ask only for JSON. */
export function hl7Question(
  { headers }: Incoming,
  head: Uint8Array,
  delivered: string,
): Hl7Question | undefined {
  const media = mediaTypeOf(headers['content-type']);
  // a body that is delivered inside the document of its request is examined separately
  const isHl7 =
    delivered.startsWith('HL7v2') ||
    (head[0] === M && messageTypeOf(media, head.subarray(0, 2_048)).startsWith('HL7v2'));
  if (!isHl7) return undefined;
  const { accept = '' } = headers;
  if (/json/.test(accept) && !/hl7|\*\/\*/.test(accept)) return undefined;
  const header = hl7Header(head);
  if (header.kind === 'none' || header.isAcknowledgement) return undefined;
  return { header, charset: media.charset ?? header.charset?.name };
}

/** The answer to the caller of a stored message. */
export function hl7Answer(
  question: Hl7Question,
  receipt: Receipt,
  settings: AnswerSettings,
): HttpReply {
  const { messageId, reply, outcome } = receipt;
  const isWeb = settings.hl7Statuses === 'web';
  if (settings.answer === 'stored') {
    const body = acknowledgement(question.header, { code: 'AA' });
    return hl7(question, settings, {
      status: isWeb ? settings.storedStatus : 200,
      body,
      messageId,
    });
  }
  const { body, code } = relayedAnswer(question.header, receipt);
  const isLate = reply === undefined && outcome === undefined;
  const status = isWeb && isLate ? 504 : STATUSES[settings.hl7Statuses][code];
  return hl7(question, settings, { status, body, messageId });
}

/** For what was not stored: AR if sending it again helps, otherwise AE. */
export function hl7Refusal(
  question: Hl7Question,
  { status: own, message, headers }: Refusal,
  settings: AnswerSettings,
): HttpReply {
  const code = own === 503 ? 'AR' : 'AE';
  const text = message.replace(/\.$/, '');
  const body = acknowledgement(question.header, { code, problems: [{ code: '207', text }] });
  const status = settings.hl7Statuses === 'web' ? own : STATUSES['hl7-over-http'][code];
  const answer = hl7(question, settings, { status, body });
  return { ...answer, headers: { ...answer.headers, ...headers } as HttpReply['headers'] };
}

function hl7(
  { charset }: Hl7Question,
  { hl7Statuses }: AnswerSettings,
  answer: { readonly status: number; readonly body: Uint8Array; readonly messageId?: number },
): HttpReply {
  const { status, body, messageId: id } = answer;
  // these have no body by definition
  const bare = status === 204 || status === 205;
  // §1.2: the charset is always included
  const named = hl7Statuses === 'web' ? undefined : (charset ?? 'UTF-8');
  return {
    status,
    headers: {
      ...(!bare && { 'content-type': contentTypeOf('HL7v2:ACK', named) }),
      ...(id !== undefined && { 'x-message-id': id }),
    },
    body: bare ? '' : body,
  };
}
