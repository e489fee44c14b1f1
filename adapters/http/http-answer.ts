import { EngineError, type NewMessage, type Receipt, type Reply } from 'waybill/adapter';
import { acknowledgement, type Hl7Header, hl7Header } from 'waybill/document';
import { relayedAnswer } from 'waybill/peer/basics';
import { contentTypeOf, mediaTypeOf, messageTypeOf } from 'waybill/peer/http';
import { type HttpReply, type Incoming, Refusal } from 'waybill/peer/http-server';
import { type EdiAnswerMade, ediAnswer } from 'waybill/peer/reply';
import type { HttpInValues } from './http-in-settings.ts';

const BY_CODE: Readonly<Record<string, number>> = {
  AA: 200,
  CA: 200,
  AE: 422,
  CE: 422,
  AR: 503,
  CR: 503,
};

/** The answer to a caller once its message is stored. */
export function answerTo(
  receipt: Receipt,
  {
    answer,
    storedStatus,
    receipt: form,
  }: Pick<HttpInValues, 'answer' | 'storedStatus' | 'receipt'>,
): HttpReply {
  const { messageId: id, sessionId: session, status, reply, outcome } = receipt;
  if (reply !== undefined && isRelayed(receipt)) return relayed(reply, id);
  const told = form === 'none' ? empty : json;
  if (answer === 'stored') return told(storedStatus, { id, session, status });
  if (outcome === undefined) {
    const detail =
      'The message is stored; its target has not answered in time. Do not send it again.';
    return problem(504, { detail, id, session });
  }
  if (outcome.status === 'error') {
    const detail = 'The message is stored; its target did not accept it.';
    return problem(502, { detail, id, session });
  }
  const settled = outcome.status === 'completed' || outcome.status === 'discarded';
  return told(settled ? 200 : 202, { id, session, status: outcome.status });
}

/** A positive reply is not passed on if a rule set the message aside anyway. */
function isRelayed({ reply, outcome }: Receipt): boolean {
  const status = outcome?.status;
  const isFine = status === undefined || status === 'completed' || status === 'discarded';
  return isFine || statusOf(reply?.code) >= 300;
}

const statusOf = (code = ''): number =>
  /^[2-5]\d\d$/.test(code) ? Number(code) : (BY_CODE[code] ?? 200);

function relayed({ body, type, code }: Reply, id: number): HttpReply {
  const status = statusOf(code);
  const hasBody = body.byteLength > 0;
  return {
    // These have no body by definition.
    status: status === 204 || status === 304 ? (hasBody ? 200 : status) : status,
    headers: {
      ...(hasBody && { 'content-type': contentTypeOf(type, undefined) }),
      'x-message-id': id,
    },
    body,
  };
}

interface Told {
  readonly id: number;
  readonly session: number;
  readonly status?: string;
  readonly detail?: string;
}

const empty = (status: number, { id }: Told): HttpReply => ({
  status,
  headers: { 'x-message-id': id },
  body: '',
});

function json(status: number, value: Told): HttpReply {
  // These have no body by definition.
  if (status === 204 || status === 205) return empty(status, value);
  const headers = { 'content-type': 'application/json', 'x-message-id': value.id };
  return { status, headers, body: JSON.stringify(value) };
}

function problem(status: number, value: Told): HttpReply {
  const headers = { 'content-type': 'application/problem+json', 'x-message-id': value.id };
  return { status, headers, body: JSON.stringify({ status, ...value }) };
}

/** The acknowledgement of what was posted; undefined where it is not X12 or EDIFACT, or nothing is to be acknowledged. Throws a Refusal for an interchange that cannot be read. */
export function ediQuestion(
  message: NewMessage,
  settings: Pick<HttpInValues, 'acknowledge' | 'profile'>,
): EdiAnswerMade | undefined {
  const { body } = message;
  if (!(body instanceof Uint8Array)) return undefined;
  try {
    return ediAnswer(body, message, settings);
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'DOCUMENT_UNREADABLE') throw error;
    throw new Refusal(422, error.message, { told: 'its body is no interchange' });
  }
}

/** What is rejected as a whole is answered as what cannot be processed; anything else is stored. */
export function ediReply(
  { body, type, isRejected }: EdiAnswerMade,
  { storedStatus }: Pick<HttpInValues, 'storedStatus'>,
  messageId?: number,
): HttpReply {
  // these have no body by definition
  const status = storedStatus === 204 || storedStatus === 205 ? 200 : storedStatus;
  return {
    status: isRejected ? 422 : status,
    headers: {
      'content-type': contentTypeOf(type, undefined),
      ...(messageId !== undefined && { 'x-message-id': messageId }),
    },
    body,
  };
}

/** The first letter of MSH. */
const M = 0x4d;

/** The status of an answer by its code: as usual in web services, and as in HL7 over HTTP (§1.3). */
const STATUSES = {
  web: { AA: 200, AE: 422, AR: 503 },
  'hl7-over-http': { AA: 200, AE: 500, AR: 400 },
} as const;

/** A message to be answered in HL7. */
interface Hl7Question {
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
