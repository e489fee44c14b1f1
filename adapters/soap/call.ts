import { type Addressing, addressingOf, isHere, isNowhere, repeatedHeader } from './addressing.ts';
import type { Envelope } from './envelope.ts';
import { addressingCode } from './make-fault.ts';
import { unknownHeaders } from './must-understand.ts';
import { SoapRefusal } from './soap-refusal.ts';
import { SOAP, type SoapVersion } from './soap-version.ts';
import { elementOf, type WsdlOperation, type WsdlPort } from './wsdl/wsdl.ts';
import { escaped, isNamed } from './xml.ts';

/** An understood call. */
export interface Call {
  readonly envelope: Envelope;
  readonly addressing: Addressing | undefined;
  readonly operation: WsdlOperation | undefined;
  /** That of the operation, or the element of the body. */
  readonly name: string;
}

/** Throws a SoapRefusal if the version is not accepted. */
export function checkVersion(version: SoapVersion, taken: readonly SoapVersion[]): void {
  if (taken.includes(version)) return;
  const names = taken.map((one) => `SOAP ${one}`).join(' and ');
  const supported = taken
    .map(
      (one, at) =>
        `<soap12:SupportedEnvelope xmlns:v${at}="${SOAP[one].namespace}" qname="v${at}:Envelope"/>`,
    )
    .join('');
  throw new SoapRefusal({
    code: 'VersionMismatch',
    reason: `This service takes ${names}.`,
    headers: `<soap12:Upgrade xmlns:soap12="${SOAP['1.2'].namespace}">${supported}</soap12:Upgrade>`,
  });
}

/** Throws a MustUnderstand fault for headers that nothing here looks at. */
export function checkHeaders(envelope: Envelope): void {
  const unknown = unknownHeaders(envelope);
  if (unknown.length === 0) return;
  const names = unknown.map(({ local }) => local).join(', ');
  const headers =
    envelope.version === '1.1'
      ? ''
      : unknown
          .map(
            ({ local, uri }) =>
              `<soap:NotUnderstood xmlns:u="${escaped(uri)}" qname="${uri === '' ? '' : 'u:'}${escaped(local)}"/>`,
          )
          .join('');
  throw new SoapRefusal(
    { code: 'MustUnderstand', reason: `Headers that are not understood here: ${names}.`, headers },
    { told: 'it sent a header that must be understood and is not' },
  );
}

/** Throws a SoapRefusal for addressing headers that cannot be followed. */
export function addressingIn(envelope: Envelope): Addressing | undefined {
  const addressing = addressingOf(envelope);
  if (addressing === undefined) return undefined;
  const repeated = repeatedHeader(envelope);
  if (repeated !== undefined) {
    throw refusedAddressing('InvalidAddressingHeader', `The header ${repeated} comes twice.`);
  }
  const { replyTo, faultTo, action } = addressing;
  if (action === '') {
    const reason = 'The header Action is missing.';
    throw refusedAddressing('MessageAddressingHeaderRequired', reason);
  }
  if (![replyTo, faultTo].every((one) => isHere(one) || isNowhere(one))) {
    const reason = 'Answers go over the connection of the call alone: ReplyTo must be anonymous.';
    throw refusedAddressing('InvalidAddressingHeader', reason);
  }
  return addressing;
}

const refusedAddressing = (code: string, reason: string): SoapRefusal =>
  new SoapRefusal({ code: 'Sender', subcode: addressingCode(code), reason });

/** The operation of a call; undefined without a WSDL. Throws a SoapRefusal if it has none, or the action belongs to another. */
export function operationOf(
  envelope: Envelope,
  {
    port,
    action,
    addressing,
  }: {
    readonly port: WsdlPort | undefined;
    /** Of the HTTP headers; `''` if there is none. */
    readonly action: string;
    readonly addressing: Addressing | undefined;
  },
): WsdlOperation | undefined {
  if (port === undefined) return undefined;
  const { payload } = envelope;
  const fitting = port.operations.filter((one) => {
    const element = elementOf(one, one.input);
    return payload === undefined ? element === undefined : element && isNamed(payload, element);
  });
  const wanted = [addressing?.action ?? '', action].filter((one) => one !== '');
  const named = fitting.find((one) => wanted.every((each) => actionsOf(one).includes(each)));
  if (named !== undefined) return named;
  const [first] = fitting;
  if (first === undefined) {
    const names = port.operations.map(({ name }) => name).join(', ');
    throw new SoapRefusal(
      { code: 'Sender', reason: `No operation here takes this element. There is ${names}.` },
      { told: 'it asked for an operation that the WSDL does not have' },
    );
  }
  // a wrong SOAPAction alone is common and says less than the element
  if (addressing === undefined || actionsOf(first).includes(addressing.action)) return first;
  const reason = 'The Action is not that of the operation that the element in the body is for.';
  throw refusedAddressing('ActionNotSupported', reason);
}

const actionsOf = ({ soapAction, input }: WsdlOperation): readonly string[] => [
  soapAction,
  input.action,
];
