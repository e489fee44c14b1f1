import { type Receipt } from 'waybill/adapter';
import { acknowledgement, type Hl7Header, hl7Header } from 'waybill/document';
import { contentTypeOf, mediaTypeOf, messageTypeOf, relayedAnswer } from 'waybill/peer';
import type { HttpReply } from './http-answer.ts';
import type { HttpInValues } from './http-in-settings.ts';
import type { Incoming } from './incoming.ts';
import type { Refusal } from './refusal.ts';

/** The first letter of MSH. */
const M = 0x4d;

/** The status of an answer of the target, by whose fault it is not AA. */
const STATUS = { AA: 200, AE: 422, AR: 503 } as const;

/**
 * The header of a message that is to be answered in HL7: what was posted is HL7, is no acknowledgement
 * itself, and the caller does not ask for JSON alone.
 */
export function answeredInHl7(
  { headers }: Incoming,
  head: Uint8Array,
  delivered: string,
): Hl7Header | undefined {
  // what is delivered as the document of its request is looked at for itself
  const isHl7 =
    delivered.startsWith('HL7v2') ||
    (head[0] === M &&
      messageTypeOf(mediaTypeOf(headers['content-type']), head.subarray(0, 2_048)).startsWith(
        'HL7v2',
      ));
  if (!isHl7) return undefined;
  const { accept = '' } = headers;
  if (/json/.test(accept) && !/hl7|\*\/\*/.test(accept)) return undefined;
  const header = hl7Header(head);
  return header.kind === 'none' || header.isAcknowledgement ? undefined : header;
}

/** What the caller of a stored message is answered in HL7, with the codes and statuses of other answers. */
export function hl7Answer(
  header: Hl7Header,
  receipt: Receipt,
  { answer, storedStatus }: Pick<HttpInValues, 'answer' | 'storedStatus'>,
): HttpReply {
  const { messageId, reply, outcome } = receipt;
  if (answer === 'stored') {
    return hl7(storedStatus, acknowledgement(header, { code: 'AA' }), messageId);
  }
  const { body, code } = relayedAnswer(header, receipt);
  const late = reply === undefined && outcome === undefined;
  return hl7(late ? 504 : STATUS[code], body, messageId);
}

/** What was not stored: AR where it helps to send it again, else AE. */
export function hl7Refusal(header: Hl7Header, { status, message, headers }: Refusal): HttpReply {
  const code = status === 503 ? 'AR' : 'AE';
  const text = message.replace(/\.$/, '');
  const body = acknowledgement(header, { code, problems: [{ code: '207', text }] });
  const answer = hl7(status, body);
  return { ...answer, headers: { ...answer.headers, ...headers } as HttpReply['headers'] };
}

function hl7(status: number, body: Uint8Array, id?: number): HttpReply {
  // these have no body by definition
  const bare = status === 204 || status === 205;
  return {
    status,
    headers: {
      ...(!bare && { 'content-type': contentTypeOf('HL7v2:ACK', undefined) }),
      ...(id !== undefined && { 'x-message-id': id }),
    },
    body: bare ? '' : body,
  };
}
