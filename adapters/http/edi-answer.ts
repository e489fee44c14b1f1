import { EngineError, type NewMessage } from 'waybill/adapter';
import {
  contentTypeOf,
  type EdiAnswerMade,
  ediAnswer,
  type HttpReply,
  Refusal,
} from 'waybill/peer';
import type { HttpInValues } from './http-in-settings.ts';

/** The acknowledgement of what was posted; undefined where it is not X12 or EDIFACT, or nothing is to be acknowledged. Throws a Refusal for an interchange that cannot be read. */
export function ediQuestion(
  message: NewMessage,
  { acknowledge }: Pick<HttpInValues, 'acknowledge'>,
): EdiAnswerMade | undefined {
  const { body } = message;
  if (acknowledge === 'none' || !(body instanceof Uint8Array)) return undefined;
  try {
    return ediAnswer(body, message, acknowledge);
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
