import { EngineError, type Reply } from 'waybill/adapter';
import { type HttpAnswer, mediaTypeOf, refusalWords, retryAfterOf } from 'waybill/peer';
import { addressingOf } from './addressing.ts';
import { type Envelope, payloadOf, readEnvelope } from './envelope.ts';
import { faultIn, faultText } from './fault.ts';
import { unknownHeaders } from './must-understand.ts';
import type { SoapOutValues } from './soap-out-settings.ts';
import type { SoapQuestion } from './soap-request.ts';
import { SOAP } from './soap-version.ts';

/** The code of an answer that is good by its status and is no SOAP: of a proxy or a sign-in page, or cut. */
export const NOT_SOAP = 'NotSOAP';

/** By these the server says that it did not look at the message: they count more than a fault beside them. */
const UNTOUCHED = new Set([401, 407, 429]);

type Asked = Pick<SoapQuestion, 'operation' | 'messageId'>;

/** The answer of a service for the engine to judge: a fault by its code, everything else by the status. */
export function soapReply(
  answer: HttpAnswer,
  asked: Asked,
  { answer: wanted }: Pick<SoapOutValues, 'answer'>,
): Reply {
  const read = envelopeOf(answer);
  if (typeof read === 'string') return withoutEnvelope(answer, asked, read);
  const fault = faultIn(read);
  const { status, headers } = answer;
  const isJudgedByStatus = fault === undefined || UNTOUCHED.has(status);
  const text = [fault && faultText(fault), notUnderstood(read)].filter(Boolean).join('\n');
  const relatesTo = addressingOf(read)?.relatesTo ?? '';
  const isOther =
    asked.messageId !== undefined && relatesTo !== '' && relatesTo !== asked.messageId;
  return {
    ...contentOf(read, wanted),
    code: isJudgedByStatus ? String(status) : fault.code,
    text: text === '' ? undefined : text,
    retryAfter: retryAfterOf(headers['retry-after']),
    problems: isOther ? ['wrong-control-id'] : undefined,
  };
}

/** What was read, or why there is no envelope; `''` where nothing came. */
function envelopeOf({ headers, body }: HttpAnswer): Envelope | string {
  if (body.byteLength === 0) return '';
  const media = mediaTypeOf(headers['content-type']);
  const isXml = /xml/.test(media.type) || media.type === 'application/octet-stream';
  if (!isXml) return `it is ${media.type}`;
  try {
    return readEnvelope(body, media.charset) ?? 'it is XML, but no SOAP envelope';
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

/** Headers of an answer that must be understood and are not; the service has the message all the same. */
function notUnderstood({ headers, version }: Envelope): string | undefined {
  const names = unknownHeaders({ headers, version }).map(({ local }) => local);
  return names.length === 0
    ? undefined
    : `The answer has headers that must be understood and are not looked at: ${names.join(', ')}`;
}
