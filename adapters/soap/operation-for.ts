import { type Message, nearest, RejectedError } from 'waybill/adapter';
import type { XmlElement } from 'waybill/document';
import type { Envelope } from './envelope.ts';
import type { SoapOutValues } from './soap-out-settings.ts';
import { elementOf, type WsdlOperation, type WsdlPort } from './wsdl/wsdl.ts';
import { isNamed, type XmlSource } from './xml.ts';

interface Choosing {
  readonly settings: SoapOutValues;
  readonly port: WsdlPort | undefined;
  readonly source: XmlSource | undefined;
  readonly envelope: Envelope | undefined;
}

/** The operation that a message is for; undefined without a WSDL. Throws a RejectedError if there is none, or it takes something else. */
export async function operationFor(
  message: Message,
  { settings, port, source, envelope }: Choosing,
): Promise<WsdlOperation | undefined> {
  if (port === undefined) return undefined;
  const { operations } = port;
  const name = await settings.operation?.render(message);
  const root = envelope === undefined ? source?.root : envelope.payload;
  const found =
    name === undefined ? byElement(operations, root) : operations.find((one) => one.name === name);
  if (found === undefined) throw noOperation(name, operations);
  const isRpc = found.style === 'rpc' && envelope === undefined;
  if (isRpc || takes(found, root)) return found;
  const expected = elementOf(found, found.input);
  const what =
    expected === undefined ? 'an empty body' : `{${expected.namespace}}${expected.local}`;
  throw new RejectedError(
    `The operation ${found.name} takes ${what}, and the message is something else. Correct operation, or have a transform make it.`,
  );
}

function takes(operation: WsdlOperation, root: XmlElement | undefined): boolean {
  const expected = elementOf(operation, operation.input);
  if (root === undefined || expected === undefined) return root === undefined && !expected;
  return isNamed(root, expected);
}

function byElement(
  operations: readonly WsdlOperation[],
  root: XmlElement | undefined,
): WsdlOperation | undefined {
  const [only, ...others] = operations;
  if (others.length === 0) return only;
  return root === undefined ? undefined : operations.find((one) => takes(one, root));
}

function noOperation(
  name: string | undefined,
  operations: readonly WsdlOperation[],
): RejectedError {
  const names = operations.map((one) => one.name).join(', ');
  return new RejectedError(
    name === undefined
      ? `No operation of the WSDL takes the element that the message begins with. It has ${names}: say operation, or correct the message.`
      : `The WSDL has no operation of the name that operation gives. ${suggestion(name, operations)}`,
  );
}

/** The remedy for an unknown operation. */
export function suggestion(name: string, operations: readonly WsdlOperation[]): string {
  const names = operations.map((one) => one.name);
  const near = nearest(name, names);
  return near === undefined ? `It has ${names.join(', ')}.` : `Did you mean ${near}?`;
}
