import { EngineError, type Receipt, type Reply } from 'waybill/adapter';
import type { HttpReply } from 'waybill/peer/http-server';
import { isNowhere } from './addressing.ts';
import type { Call } from './call.ts';
import { type Envelope, envelopeIn } from './envelope.ts';
import { faultIn } from './fault.ts';
import { envelopeReply, faultReply, type MadeFault, relatedHeaders } from './make-fault.ts';
import type { SoapInValues } from './soap-in-settings.ts';
import { SOAP, type SoapVersion } from './soap-version.ts';
import { elementOf } from './wsdl/wsdl.ts';
import {
  childOf,
  elementsOf,
  escaped,
  isNamed,
  qualified,
  readXml,
  standalone,
  trimmed,
} from './xml.ts';

type Outcome = NonNullable<Receipt['outcome']>;

type AnswerValues = Pick<SoapInValues, 'answer' | 'receipt'>;

/** The answer to a caller once its message is stored. */
export function answerTo(call: Call, receipt: Receipt, settings: AnswerValues): HttpReply {
  const headers = { 'x-message-id': receipt.messageId };
  if (isOneWay(call)) return { status: 202, headers, body: '' };
  const { reply, outcome } = receipt;
  if (settings.answer === 'stored' && reply === undefined) {
    return good(call, settings.receipt ?? '', headers);
  }
  if (reply !== undefined) {
    const made = madeOf(call, reply, outcome && notAccepted(outcome));
    return typeof made === 'string'
      ? good(call, made, headers)
      : faultReply(made, call.envelope.version, { headers, related: call.addressing });
  }
  const fault = withoutReply(outcome);
  return fault === undefined
    ? good(call, settings.receipt ?? '', headers)
    : faultReply(fault, call.envelope.version, { headers, related: call.addressing });
}

/** Whether nobody waits for an answer. */
const isOneWay = ({ operation, addressing }: Call): boolean =>
  (operation !== undefined && operation.output === undefined) ||
  (addressing !== undefined && isNowhere(addressing.replyTo));

function withoutReply(outcome: Outcome | undefined): MadeFault | undefined {
  if (outcome !== undefined) return notAccepted(outcome);
  const reason =
    'The message is stored; its target has not answered in time. Do not send it again.';
  return { code: 'Receiver', reason };
}

/** Errors that are not of the message: their texts name our machines, settings and code, which is nothing for a caller. */
const OF_OURS =
  /^(?:ADAPTER|BROKER|CONFIG|CREDENTIAL|ENGINE|LOOKUP|PROCESS|QUEUE|TLS)_|^REPLY_TIMEOUT$/;

/** Undefined for a message that ended well. */
function notAccepted({ status, text, error }: Outcome): MadeFault | undefined {
  if (status === 'completed' || status === 'discarded') return undefined;
  const reason = 'The message is stored; its target did not accept it';
  const isTold = text !== undefined && !OF_OURS.test(error?.code ?? '');
  return { code: 'Receiver', reason: isTold ? `${reason}: ${text}` : `${reason}.` };
}

function good(call: Call, body: string, headers: HttpReply['headers']): HttpReply {
  const { operation, addressing, envelope } = call;
  const action = operation?.output?.action ?? `${addressing?.action ?? ''}Response`;
  const related = relatedHeaders(addressing, action, envelope.version);
  const parts = { status: 200, body, version: envelope.version, headers: related };
  return envelopeReply(parts, headers);
}

/**
 * The target's reply as the content of the body, or as a fault. A good one is not passed on if the message was refused
 * anyway (`ended`), as by a rule; one that says itself what is wrong is.
 */
function madeOf(call: Call, reply: Reply, ended: MadeFault | undefined): string | MadeFault {
  const refused = refusedBy(reply) ?? (saysItself(reply) ? undefined : ended);
  if (reply.body.byteLength === 0) return ended ?? refused ?? '';
  const said = saidIn(reply);
  if (said === undefined) return ended ?? refused ?? noXml(reply);
  const { source, given } = said;
  const fault = faultOf(source, given) ?? refused;
  if (fault !== undefined) return fault;
  return given === undefined ? '' : wrapped(call, standalone(source, given), given);
}

/** What the envelope of the reply, or the reply alone, says; undefined if it is no XML. */
function saidIn({ body }: Reply) {
  try {
    const source = readXml(body);
    const envelope = envelopeIn(source);
    return { source, given: envelope === undefined ? source.root : envelope.payload };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return undefined;
  }
}

const noXml = ({ type }: Reply): MadeFault => ({
  code: 'Receiver',
  reason: `The message is stored; the answer of its target is no XML but ${type}. Have its operation ask for XML, or say answer: stored.`,
});

/** Whether the answer has a word of its own for what became of the message, such as the `Failure` of a registry. */
const saysItself = ({ code = '' }: Reply): boolean => !/^(|2\d\d|[AC]A|OK)$/.test(code);

function refusedBy({ code = '' }: Reply): MadeFault | undefined {
  const isRefused = /^[45]\d\d$/.test(code) || /^[AC][ER]$/.test(code);
  if (!isRefused) return undefined;
  return { code: 'Receiver', reason: `The target refused the message (${code}).` };
}

/** An rpc answer is named after its operation. */
function wrapped(
  { operation }: Call,
  payload: string,
  root: Parameters<typeof isNamed>[0],
): string {
  const output = operation?.output;
  if (operation?.style !== 'rpc' || output === undefined) return payload;
  const { namespace, local } = elementOf(operation, output) ?? { namespace: '', local: '' };
  const name = { namespace, local: `${local}Response` };
  if (isNamed(root, name)) return payload;
  return `<rpc:${name.local} xmlns:rpc="${escaped(namespace)}">${payload}</rpc:${name.local}>`;
}

const CODES: Readonly<Record<string, MadeFault['code']>> = {
  Client: 'Sender',
  Sender: 'Sender',
  Server: 'Receiver',
  Receiver: 'Receiver',
};

/** A fault of the target, of either version, for the version of the caller. */
function faultOf(
  source: Pick<Envelope, 'text' | 'root'>,
  given: Envelope['payload'],
): MadeFault | undefined {
  const version = (['1.1', '1.2'] as const).find((one) => SOAP[one].namespace === given?.uri);
  if (given?.local !== 'Fault' || version === undefined) return undefined;
  const around = {
    ...source,
    version,
    header: undefined,
    headers: [],
    body: given,
    payload: given,
  };
  const fault = faultIn(around);
  if (fault === undefined) return undefined;
  const [first = '', ...more] = fault.code.split('.');
  const known = CODES[first];
  const own = known === undefined ? fault.code : more.join('.');
  return {
    code: known ?? 'Receiver',
    reason: fault.reason,
    ...(own !== '' && { subcode: { namespace: subcodeSpace(given, version), local: own } }),
    detail: detailOf(source, given, version),
  };
}

/** The namespace of the most exact code. */
function subcodeSpace(fault: NonNullable<Envelope['payload']>, version: SoapVersion): string {
  const { namespace } = SOAP[version];
  const code =
    version === '1.1'
      ? elementsOf(fault).find(({ local }) => local === 'faultcode')
      : childOf(
          childOf(childOf(fault, namespace, 'Code'), namespace, 'Subcode'),
          namespace,
          'Value',
        );
  const found = code === undefined ? '' : qualified(code, trimmed(code)).namespace;
  return found === namespace ? '' : found;
}

function detailOf(
  source: Pick<Envelope, 'text' | 'root'>,
  fault: NonNullable<Envelope['payload']>,
  version: SoapVersion,
): string {
  const name = version === '1.1' ? 'detail' : 'Detail';
  const detail = elementsOf(fault).find(({ local }) => local === name);
  return (detail === undefined ? [] : elementsOf(detail))
    .map((one) => standalone(source, one))
    .join('');
}
