import type { HttpReply } from 'waybill/peer/http-server';
import { ADDRESSING, type Addressing, addressingHeaders, FAULT_ACTION } from './addressing.ts';
import { UTILITY } from './envelope.ts';
import { SECURITY } from './security/username-token.ts';
import { SOAP, type SoapVersion } from './soap-version.ts';
import { escaped } from './xml.ts';

/** A fault to be sent, in the words of SOAP 1.2. */
export interface MadeFault {
  /** `Sender`: sending it again does not help; `Receiver`: it may, later. */
  readonly code:
    | 'Sender'
    | 'Receiver'
    | 'MustUnderstand'
    | 'VersionMismatch'
    | 'DataEncodingUnknown';
  /** The code of WS-Security or WS-Addressing, or one of the service's own. */
  readonly subcode?: Subcode | undefined;
  readonly reason: string;
  /** XML elements. */
  readonly detail?: string | undefined;
  /** XML headers, beside those of addressing. */
  readonly headers?: string | undefined;
}

export interface Subcode {
  readonly namespace: string;
  readonly local: string;
}

export const securityCode = (local: string): Subcode => ({
  namespace: local === 'MessageExpired' ? UTILITY : SECURITY,
  local,
});

export const addressingCode = (local: string): Subcode => ({ namespace: ADDRESSING, local });

const OLDER: Readonly<Record<MadeFault['code'], string>> = {
  Sender: 'Client',
  Receiver: 'Server',
  MustUnderstand: 'MustUnderstand',
  VersionMismatch: 'VersionMismatch',
  DataEncodingUnknown: 'Client',
};

/** The fault as an answer of HTTP. */
export function faultReply(
  fault: MadeFault,
  version: SoapVersion,
  {
    headers = {},
    related,
  }: { readonly headers?: HttpReply['headers']; readonly related?: Addressing | undefined } = {},
): HttpReply {
  const body = version === '1.1' ? olderFault(fault) : newerFault(fault);
  // SOAP 1.1 §6.2 has 500 for all; SOAP 1.2 part 2 §7.5.2 has 400 for faults of the sender
  const status = version === '1.2' && fault.code === 'Sender' ? 400 : 500;
  const added = relatedHeaders(related, FAULT_ACTION, version) + (fault.headers ?? '');
  return envelopeReply({ status, body, version, headers: added }, headers);
}

interface EnvelopeParts {
  readonly status: number;
  /** The content of the body. */
  readonly body: string;
  readonly version: SoapVersion;
  /** The content of the header. */
  readonly headers: string;
}

/** An envelope as an answer of HTTP. */
export function envelopeReply(
  { status, body, version, headers }: EnvelopeParts,
  more: HttpReply['headers'] = {},
): HttpReply {
  const { namespace, media } = SOAP[version];
  const header = headers === '' ? '' : `<soap:Header>${headers}</soap:Header>`;
  return {
    status,
    headers: { 'content-type': `${media}; charset=utf-8`, ...more },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="${namespace}">${header}<soap:Body>${body}</soap:Body></soap:Envelope>`,
  };
}

/** The headers of an answer to a request with addressing headers; `''` for one without. */
export function relatedHeaders(
  related: Addressing | undefined,
  action: string,
  version: SoapVersion,
): string {
  if (related === undefined) return '';
  const { messageId: relatesTo } = related;
  return addressingHeaders({ version, mustUnderstand: false, action, relatesTo }).xml;
}

function olderFault({ code, subcode, reason, detail = '' }: MadeFault): string {
  const written = subcode === undefined ? `>soap:${OLDER[code]}` : codeValue(subcode);
  const told = detail === '' ? '' : `<detail>${detail}</detail>`;
  return `<soap:Fault><faultcode${written}</faultcode><faultstring>${escaped(reason)}</faultstring>${told}</soap:Fault>`;
}

function newerFault({ code, subcode, reason, detail = '' }: MadeFault): string {
  const inner =
    subcode === undefined
      ? ''
      : `<soap:Subcode><soap:Value${codeValue(subcode)}</soap:Value></soap:Subcode>`;
  const told = detail === '' ? '' : `<soap:Detail>${detail}</soap:Detail>`;
  return `<soap:Fault><soap:Code><soap:Value>soap:${code}</soap:Value>${inner}</soap:Code><soap:Reason><soap:Text xml:lang="en">${escaped(reason)}</soap:Text></soap:Reason>${told}</soap:Fault>`;
}

/** The rest of a start tag and the content: a name in its namespace. */
function codeValue({ namespace, local }: Subcode): string {
  return namespace === ''
    ? `>${escaped(local)}`
    : ` xmlns:code="${escaped(namespace)}">code:${escaped(local)}`;
}
