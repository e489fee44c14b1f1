import { EngineError, type Reply } from 'waybill/adapter';
import { documentOf } from 'waybill/document';
import { type HttpAnswer, mediaTypeOf, refusalWords, retryAfterOf } from 'waybill/peer/http';
import { addressingOf } from './addressing.ts';
import { collected } from './attachment/attached.ts';
import { type Envelope, payloadOf, readEnvelope } from './envelope.ts';
import { faultIn, faultText } from './fault.ts';
import { unknownHeaders } from './must-understand.ts';
import { type AnswerBelief, doubtOf } from './security/check-answer.ts';
import type { SoapOutValues } from './soap-out-settings.ts';
import type { SoapQuestion } from './soap-request.ts';
import { SOAP } from './soap-version.ts';

/** The code of an answer with a good status that is not SOAP: from a proxy or a sign-in page, or cut off. */
const NOT_SOAP = 'NotSOAP';

/** With these the server says that it did not look at the message: they outweigh a fault beside them. */
const UNTOUCHED = new Set([401, 407, 429]);

interface Taking {
  readonly settings: Pick<SoapOutValues, 'answer' | 'answerCode' | 'answerText'>;
  /** What an answer must prove; undefined for nothing. */
  readonly belief: AnswerBelief | undefined;
  /** Bytes of an answer with its attachments. */
  readonly limit: number;
}

type Asked = Pick<SoapQuestion, 'operation' | 'messageId'>;

/** The answer of a service for the engine to judge: a fault by its code, everything else by the status. */
export async function soapReply(
  answer: HttpAnswer,
  asked: Asked,
  { settings, belief, limit }: Taking,
): Promise<Reply> {
  const read = envelopeOf(answer, limit);
  if (typeof read === 'string') return withoutEnvelope(answer, asked, read);
  const doubt = belief && (await doubtOf(read.envelope, belief));
  if (doubt !== undefined) return doubted(read.envelope, settings.answer, doubt);
  return judged(read, asked, { answer, settings });
}

function judged(
  { envelope: read, left }: ReadAnswer,
  { messageId }: Asked,
  { answer, settings }: { readonly answer: HttpAnswer } & Pick<Taking, 'settings'>,
): Reply {
  const { status, headers } = answer;
  const fault = faultIn(read);
  const isByStatus = fault === undefined || UNTOUCHED.has(status);
  const said = fault === undefined ? saidIn(read, status, settings) : undefined;
  const text = [fault && faultText(fault), said?.text, notUnderstood(read), leftOut(left)]
    .filter(Boolean)
    .join('\n');
  return {
    ...contentOf(read, settings.answer),
    code: isByStatus ? (said?.code ?? String(status)) : fault.code,
    text: text === '' ? undefined : text,
    retryAfter: retryAfterOf(headers['retry-after']),
    problems: isForAnother(read, messageId) ? ['wrong-control-id'] : undefined,
  };
}

const LONGEST = 2_000;
const LONGEST_CODE = 60;

/** What an answer says about itself, at the places of the settings. */
function saidIn(
  read: Envelope,
  status: number,
  { answerCode, answerText }: Taking['settings'],
): { readonly code: string | undefined; readonly text: string } {
  if (answerCode === undefined && answerText === undefined) return { code: undefined, text: '' };
  const document = documentOf(Buffer.from(payloadOf(read)), { type: 'application/xml' });
  const given = answerCode === undefined || status >= 300 ? '' : document.get(answerCode).trim();
  const [, last = ''] = /([^:#/]*)$/.exec(given) ?? [];
  const code = last.replaceAll(/[^\w.-]/g, '').slice(0, LONGEST_CODE);
  const texts = answerText === undefined ? [] : document.all(answerText);
  return {
    code: code === '' ? undefined : code,
    text: texts
      .map((text) => text.trim())
      .join('\n')
      .slice(0, LONGEST),
  };
}

const leftOut = (count: number): string =>
  count === 0 ? '' : `${count} attachments that nothing in the answer refers to were left out`;

function isForAnother(read: Envelope, messageId: string | undefined): boolean {
  const relatesTo = addressingOf(read)?.relatesTo ?? '';
  return messageId !== undefined && relatesTo !== '' && relatesTo !== messageId;
}

/** The code of an answer that does not prove its sender. */
const NOT_SIGNED = 'NotSigned';

function doubted(read: Envelope, wanted: SoapOutValues['answer'], doubt: string): Reply {
  return {
    ...contentOf(read, wanted),
    code: NOT_SIGNED,
    text: `The answer is not believed: ${doubt}.`,
  };
}

interface ReadAnswer {
  readonly envelope: Envelope;
  /** How many attachments it does not refer to. */
  readonly left: number;
}

/** The envelope, or why there is none; `''` for an empty answer. */
function envelopeOf({ headers, body }: HttpAnswer, limit: number): ReadAnswer | string {
  if (body.byteLength === 0) return '';
  const { 'content-type': type = '' } = headers;
  const media = mediaTypeOf(type);
  const isPacked = media.type === 'multipart/related';
  const isXml = /xml/.test(media.type) || media.type === 'application/octet-stream';
  if (!isXml && !isPacked) return `it is ${media.type}`;
  try {
    const { bytes, charset, left } = isPacked
      ? collected(type, body, limit)
      : { bytes: body, charset: media.charset, left: 0 };
    const envelope = readEnvelope(bytes, charset);
    return envelope === undefined ? 'it is XML, but no SOAP envelope' : { envelope, left };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return error.message.replace(/\.$/, '');
  }
}

function withoutEnvelope(answer: HttpAnswer, { operation }: Asked, why: string): Reply {
  const { status, headers, body } = answer;
  const isGood = status >= 200 && status < 300;
  // a message without an answer is acknowledged by the status alone
  const isExpected = why === '' && (operation === undefined || operation.output === undefined);
  const told = why === '' ? 'it is empty, and the operation has an answer' : why;
  return {
    body,
    type: mediaTypeOf(headers['content-type']).type,
    code: isGood && !isExpected ? NOT_SOAP : String(status),
    text:
      isGood && !isExpected ? `The answer (${status}) is no SOAP: ${told}.` : refusalWords(answer),
    retryAfter: retryAfterOf(headers['retry-after']),
  };
}

function contentOf(
  envelope: Envelope,
  wanted: SoapOutValues['answer'],
): Pick<Reply, 'body' | 'type'> {
  return wanted === 'envelope'
    ? { body: Buffer.from(envelope.text), type: SOAP[envelope.version].media }
    : { body: Buffer.from(payloadOf(envelope)), type: 'application/xml' };
}

/** Headers of an answer that must be understood but are not; the service has the message anyway. */
function notUnderstood({ headers, version }: Envelope): string | undefined {
  const names = unknownHeaders({ headers, version }).map(({ local }) => local);
  return names.length === 0
    ? undefined
    : `The answer has headers that must be understood and are not looked at: ${names.join(', ')}`;
}
