import { createHash } from 'node:crypto';
import { type Envelope, UTILITY } from './envelope.ts';
import { SOAP, type SoapVersion } from './soap-version.ts';
import { childOf, escaped, trimmed } from './xml.ts';

/** WS-Addressing 1.0. */
export const ADDRESSING = 'http://www.w3.org/2005/08/addressing';
export const ANONYMOUS = `${ADDRESSING}/anonymous`;
const NONE = `${ADDRESSING}/none`;
export const FAULT_ACTION = `${ADDRESSING}/fault`;

/** The addressing headers of an envelope; `''` for missing ones. */
export interface Addressing {
  readonly to: string;
  readonly action: string;
  readonly messageId: string;
  readonly relatesTo: string;
  /** The addresses that an answer and a fault go to. */
  readonly replyTo: string;
  readonly faultTo: string;
}

/** Reads the headers; undefined if there are none of WS-Addressing. */
export function addressingOf({ headers }: Pick<Envelope, 'headers'>): Addressing | undefined {
  const own = headers.filter(({ uri }) => uri === ADDRESSING);
  if (own.length === 0) return undefined;
  const textAt = (name: string): string => {
    const header = own.find(({ local }) => local === name);
    if (header === undefined) return '';
    return trimmed(childOf(header, ADDRESSING, 'Address') ?? header);
  };
  return {
    to: textAt('To'),
    action: textAt('Action'),
    messageId: textAt('MessageID'),
    relatesTo: textAt('RelatesTo'),
    replyTo: textAt('ReplyTo'),
    faultTo: textAt('FaultTo'),
  };
}

const ONCE = new Set(['To', 'Action', 'MessageID', 'ReplyTo', 'FaultTo', 'From']);

/** The first addressing header that wrongly comes twice. */
export function repeatedHeader({ headers }: Pick<Envelope, 'headers'>): string | undefined {
  const names = headers.filter(({ uri }) => uri === ADDRESSING).map(({ local }) => local);
  return names.find((name, at) => ONCE.has(name) && names.indexOf(name) < at);
}

/** Whether an address asks for an answer over the same connection. */
export const isHere = (address: string): boolean => address === '' || address === ANONYMOUS;

/** Whether nobody wants the answer. */
export const isNowhere = (address: string): boolean => address === NONE;

interface AddressingHeaders {
  readonly to?: string | undefined;
  readonly action?: string | undefined;
  readonly messageId?: string | undefined;
  readonly relatesTo?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly from?: string | undefined;
  readonly version: SoapVersion;
  /** The receiver must fault if it does not know WS-Addressing. */
  readonly mustUnderstand: boolean;
  /** Each header has an id by which a signature finds it. */
  readonly signed?: boolean;
}

interface WrittenHeaders {
  readonly xml: string;
  /** The ids of those present. */
  readonly ids: readonly string[];
}

const address = (text: string | undefined): string =>
  text === undefined || text === '' ? '' : `<wsa:Address>${escaped(text)}</wsa:Address>`;

/** The headers as XML; empty ones are left out. */
export function addressingHeaders(given: AddressingHeaders): WrittenHeaders {
  const { version, mustUnderstand } = given;
  const { namespace } = SOAP[version];
  const flag = mustUnderstand
    ? ` xmlns:env="${namespace}" env:mustUnderstand="${version === '1.1' ? '1' : 'true'}"`
    : '';
  const ids: string[] = [];
  const header = (name: string, content: string, more = ''): string => {
    if (content === '') return '';
    const id = `waybill-${name.toLowerCase()}`;
    if (given.signed === true) ids.push(id);
    const identity = given.signed === true ? ` xmlns:wsu="${UTILITY}" wsu:Id="${id}"` : '';
    return `<wsa:${name} xmlns:wsa="${ADDRESSING}"${more}${identity}>${content}</wsa:${name}>`;
  };
  const xml = [
    header('To', escaped(given.to ?? ''), flag),
    header('Action', escaped(given.action ?? ''), flag),
    header('MessageID', escaped(given.messageId ?? '')),
    header('RelatesTo', escaped(given.relatesTo ?? '')),
    header('From', address(given.from)),
    header('ReplyTo', address(given.replyTo), flag),
  ].join('');
  return { xml, ids };
}

/** A message id that is the same for every try of one message, so that a receiver recognises a repetition. */
export function messageIdFor(...identity: readonly (string | number)[]): string {
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest();
  // the form of a random UUID (RFC 9562 §5.8: a hash of our own making)
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `urn:uuid:${[...groups, hex.slice(20, 32)].join('-')}`;
}
