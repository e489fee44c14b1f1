import { textOf, type XmlElement } from 'waybill/document';
import type { Envelope } from './envelope.ts';
import { SOAP } from './soap-version.ts';
import { childOf, childrenOf, elementsOf, qualified, trimmed } from './xml.ts';

/** A parsed fault of either version. */
export interface SoapFault {
  /**
   * The code without its prefix; its subcode follows after a dot: `Client.Authentication` as SOAP 1.1 §4.4.1
   * writes it, `Sender.OrderNotFound` for a subcode of SOAP 1.2.
   */
  readonly code: string;
  readonly reason: string;
  /** The texts of the detail, with the names of their elements; `''` if there is none. */
  readonly detail: string;
  /** Who reports it, if it is an intermediary. */
  readonly from: string;
}

const LONGEST = 2_000;
const LONGEST_CODE = 60;
/** More levels of subcodes than anybody writes. */
const SUBCODES = 4;

/** The fault in the body of an envelope; undefined if there is none. */
export function faultIn({ payload, version }: Envelope): SoapFault | undefined {
  const { namespace } = SOAP[version];
  if (payload?.local !== 'Fault' || payload.uri !== namespace) return undefined;
  return version === '1.1' ? olderFault(payload) : newerFault(payload, namespace);
}

/** The children have no namespace, and some services give them one all the same. */
function olderFault(fault: XmlElement): SoapFault {
  const named = (local: string): XmlElement | undefined =>
    elementsOf(fault).find((child) => child.local === local);
  const [code, reason, from, detail] = ['faultcode', 'faultstring', 'faultactor', 'detail'].map(
    named,
  );
  return {
    code: codeOf(code === undefined ? [] : [trimmed(code)], fault),
    reason: reason === undefined ? '' : trimmed(reason).slice(0, LONGEST),
    detail: detail === undefined ? '' : detailText(detail),
    from: from === undefined ? '' : trimmed(from).slice(0, LONGEST),
  };
}

function newerFault(fault: XmlElement, namespace: string): SoapFault {
  const codes: string[] = [];
  for (
    let at = childOf(fault, namespace, 'Code');
    at !== undefined && codes.length <= SUBCODES;
    at = childOf(at, namespace, 'Subcode')
  ) {
    const value = childOf(at, namespace, 'Value');
    if (value !== undefined) codes.push(trimmed(value));
  }
  const reason = childOf(fault, namespace, 'Reason');
  const texts = reason === undefined ? [] : childrenOf(reason, namespace, 'Text');
  const english = texts.find(({ attributes }) =>
    attributes.some(({ name, value }) => name === 'xml:lang' && /^en\b/i.test(value)),
  );
  const told = english ?? texts[0];
  const from = childOf(fault, namespace, 'Node') ?? childOf(fault, namespace, 'Role');
  const detail = childOf(fault, namespace, 'Detail');
  return {
    code: codeOf(codes, fault),
    reason: told === undefined ? '' : trimmed(told).slice(0, LONGEST),
    detail: detail === undefined ? '' : detailText(detail),
    from: from === undefined ? '' : trimmed(from).slice(0, LONGEST),
  };
}

/** A code that `replies` may name, whatever the peer wrote. */
function codeOf(written: readonly string[], at: XmlElement): string {
  const code = written
    .map((text) => qualified(at, text).local.replaceAll(/[^\w.-]/g, ''))
    .filter((local) => local !== '')
    .join('.')
    .slice(0, LONGEST_CODE);
  return code === '' ? 'Fault' : code;
}

function detailText(detail: XmlElement): string {
  const lines: string[] = [];
  const gather = (element: XmlElement): void => {
    const inner = elementsOf(element);
    const text = inner.length === 0 ? textOf(element).trim() : '';
    if (text !== '') lines.push(`${element.local}: ${text}`);
    for (const child of inner) gather(child);
  };
  const inner = elementsOf(detail);
  for (const child of inner) gather(child);
  if (inner.length === 0) lines.push(textOf(detail).trim());
  return lines.join('\n').slice(0, LONGEST).trim();
}

/** A fault for people: code, reason, reporter and detail. */
export function faultText({ code, reason, detail, from }: SoapFault): string {
  const who = from === '' ? '' : ` (from ${from})`;
  return [`${code}: ${reason}${who}`, detail].filter((line) => line !== '').join('\n');
}
