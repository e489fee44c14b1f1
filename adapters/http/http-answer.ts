import { type Receipt, type Reply } from 'waybill/adapter';
import { contentTypeOf, type HttpReply } from 'waybill/peer';
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
  { answer, storedStatus }: Pick<HttpInValues, 'answer' | 'storedStatus'>,
): HttpReply {
  const { messageId: id, sessionId: session, status, reply, outcome } = receipt;
  if (reply !== undefined && isRelayed(receipt)) return relayed(reply, id);
  if (answer === 'stored') return json(storedStatus, { id, session, status });
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
  return json(settled ? 200 : 202, { id, session, status: outcome.status });
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

function json(status: number, value: Told): HttpReply {
  // These have no body by definition.
  if (status === 204 || status === 205) {
    return { status, headers: { 'x-message-id': value.id }, body: '' };
  }
  const headers = { 'content-type': 'application/json', 'x-message-id': value.id };
  return { status, headers, body: JSON.stringify(value) };
}

function problem(status: number, value: Told): HttpReply {
  const headers = { 'content-type': 'application/problem+json', 'x-message-id': value.id };
  return { status, headers, body: JSON.stringify({ status, ...value }) };
}
