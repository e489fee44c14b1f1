import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import {
  describeSize,
  EngineError,
  inlineBody,
  type Message,
  RejectedError,
  type setting,
} from 'waybill/adapter';
import type { HttpQuestion } from 'waybill/peer/http';
import {
  ADDRESSING,
  ANONYMOUS,
  addressingHeaders,
  addressingOf,
  messageIdFor,
} from './addressing.ts';
import { detached } from './attachment/attached.ts';
import {
  type Envelope,
  envelopeAgain,
  envelopeAround,
  envelopeIn,
  UTILITY,
  type Writing,
  written,
} from './envelope.ts';
import { operationFor } from './operation-for.ts';
import { type Proofs, secured } from './security/security-header.ts';
import { SECURITY } from './security/username-token.ts';
import type { SoapOutValues } from './soap-out-settings.ts';
import { SOAP, type SoapVersion } from './soap-version.ts';
import { elementOf, type WsdlOperation, type WsdlPort } from './wsdl/wsdl.ts';
import { attributeOf, isNamed, readXml, standalone, type XmlSource } from './xml.ts';

/** The request, and what its answer must match. */
export interface SoapQuestion {
  readonly request: Omit<HttpQuestion, 'signal'>;
  readonly version: SoapVersion;
  readonly operation: WsdlOperation | undefined;
  /** The id that the answer relates to; undefined without WS-Addressing. */
  readonly messageId: string | undefined;
}

interface RequestContext {
  readonly settings: SoapOutValues;
  readonly port: WsdlPort | undefined;
  readonly proofs: Proofs;
  readonly production: string;
  readonly host: string;
}

/** A message with the facts found about it. */
interface Asking {
  readonly message: Message;
  readonly source: XmlSource | undefined;
  readonly envelope: Envelope | undefined;
  readonly version: SoapVersion;
  readonly operation: WsdlOperation | undefined;
  readonly action: string;
  readonly url: URL;
}

const compressed = promisify<Buffer, Buffer>(gzip);

/** The request for a message. Throws a RejectedError for one that this service cannot accept. */
export async function soapRequest(
  message: Message,
  context: RequestContext,
): Promise<SoapQuestion> {
  const asking = await askingFor(message, context);
  const { version, operation, action, url } = asking;
  const signed = context.proofs.key !== undefined;
  const headers = await requestHeaders(asking, { ...context, signed });
  const text = await envelopeText(asking, headers, context);
  const { type, body } = wireBody(text, asking, context);
  const { settings } = context;
  return {
    request: {
      method: 'POST',
      url,
      headers: {
        ...wireHeaders(version, action),
        'content-type': type,
        ...(settings.compress && { 'content-encoding': 'gzip' }),
        ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
        ...(await filled(settings.headers, message)),
      },
      body: inlineBody(settings.compress ? await compressed(body) : body),
    },
    version,
    operation,
    messageId: headers.messageId,
  };
}

/** The envelope alone, or with parts beside it. */
function wireBody(
  text: string,
  { version, action }: Asking,
  { settings: { attachments: attaching, attached: names }, proofs }: RequestContext,
): { readonly type: string; readonly body: Buffer } {
  if (attaching === 'none') {
    const type = wireHeaders(version, action)['content-type'] ?? '';
    return { type, body: Buffer.from(text) };
  }
  const signed = proofs.key !== undefined;
  const { contentType, body } = detached(text, { attaching, names, version, action, signed });
  return { type: contentType, body };
}

async function askingFor(message: Message, { settings, port }: RequestContext): Promise<Asking> {
  const source = await sourceOf(message, settings.limit);
  const envelope = source && rejecting(() => envelopeIn(source));
  const version = versionFor(settings.version, envelope, port);
  const operation = await operationFor(message, { settings, port, source, envelope });
  const action = await actionOf({ message, envelope, operation }, settings);
  const url = (await settings.url?.render(message)) ?? new URL(port?.address ?? '');
  return { message, source, envelope, version, operation, action, url };
}

/** The one that is configured, of the WSDL, or of the envelope itself. */
async function actionOf(
  { message, envelope, operation }: Pick<Asking, 'message' | 'envelope' | 'operation'>,
  settings: SoapOutValues,
): Promise<string> {
  const byDefault = settings.addressing === 'none' ? undefined : operation?.input.action;
  const known = [
    await settings.action?.render(message),
    operation?.soapAction,
    envelope && addressingOf(envelope)?.action,
    byDefault,
  ];
  const action = known.find((one) => one !== undefined && one !== '') ?? '';
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(action)) return action;
  throw new RejectedError(
    'The action has a character that cannot be sent in a header. Correct action, or the WSDL.',
  );
}

async function sourceOf(message: Message, limit: number): Promise<XmlSource | undefined> {
  const { body, charset } = message;
  if (body.size > limit) {
    throw new RejectedError(
      `The message is larger than ${describeSize(limit)}. Raise limit if the service takes more.`,
    );
  }
  if (body.size === 0) return undefined;
  const bytes = await body.bytes();
  return rejecting(() => readXml(bytes, charset));
}

function versionFor(
  wanted: SoapOutValues['version'],
  envelope: Envelope | undefined,
  port: WsdlPort | undefined,
): SoapVersion {
  const version = wanted === 'auto' ? (port?.version ?? envelope?.version ?? '1.1') : wanted;
  if (envelope === undefined || envelope.version === version) return version;
  throw new RejectedError(
    `The message is an envelope of SOAP ${envelope.version}, but the service takes SOAP ${version}. Correct version, or have a transform make the right envelope.`,
  );
}

async function envelopeText(
  asking: Asking,
  { xml, addressed }: RequestHeaders,
  { settings: { security }, proofs }: RequestContext,
): Promise<string> {
  const signsBody = proofs.key !== undefined && security?.sign.includes('body') === true;
  const writing = writingOf(asking, signsBody);
  if (security === undefined) return written(writing, xml);
  const { envelope } = asking;
  if (envelope?.headers.some(({ uri }) => uri === SECURITY) === true) {
    throw new RejectedError(
      'The message is an envelope that has a Security header of its own. Leave out security, or have a transform remove that header.',
    );
  }
  const bodyId = envelope && attributeOf(envelope.body, 'Id', UTILITY);
  return secured(writing, xml, { proofs, wanted: security, addressed, bodyId });
}

function writingOf({ source, envelope, version, operation }: Asking, signed: boolean): Writing {
  if (envelope !== undefined) return envelopeAgain(envelope, signed);
  const payload = source === undefined ? '' : standalone(source, source.root);
  const wrapper = operation?.style === 'rpc' ? elementOf(operation, operation.input) : undefined;
  if (operation === undefined || wrapper === undefined || source === undefined)
    return envelopeAround(payload, version, signed);
  if (isNamed(source.root, wrapper)) return envelopeAround(payload, version, signed);
  const isPart = operation.input.parts.some(
    ({ name, element }) => element === undefined && name === source.root.name,
  );
  if (!isPart) {
    throw new RejectedError(
      `The operation ${operation.name} takes {${wrapper.namespace}}${wrapper.local}, or its part alone. Have a transform make it.`,
    );
  }
  const { namespace, local } = wrapper;
  const start = `<rpc:${local} xmlns:rpc="${namespace.replaceAll('"', '&quot;')}">`;
  return envelopeAround(`${start}${payload}</rpc:${local}>`, version, signed);
}

/** SOAP 1.1 §6.1.1 always requires the header; SOAP 1.2 part 2 §7.1.4 has it as a parameter. */
function wireHeaders(version: SoapVersion, action: string): Record<string, string> {
  const { media } = SOAP[version];
  const accept = `${media}, multipart/related`;
  return version === '1.1'
    ? { 'content-type': `${media}; charset=utf-8`, soapaction: `"${action}"`, accept }
    : {
        'content-type': `${media}; charset=utf-8${action === '' ? '' : `; action="${action}"`}`,
        accept,
      };
}

async function filled(
  headers: readonly { readonly name: string; readonly value: setting.Template }[],
  message: Message,
): Promise<Record<string, string>> {
  const all: Record<string, string> = { 'accept-encoding': 'gzip, deflate' };
  for (const { name, value } of headers) {
    const text = await value.render(message);
    if (text !== '') all[name] = text;
  }
  return all;
}

/** The headers of one request. */
interface RequestHeaders {
  readonly xml: string;
  readonly addressed: readonly string[];
  readonly messageId: string | undefined;
}

interface Addressed {
  readonly message: Message;
  readonly envelope: Envelope | undefined;
  readonly version: SoapVersion;
  readonly operation: WsdlOperation | undefined;
  readonly action: string;
  readonly url: URL;
}

interface Around {
  readonly settings: SoapOutValues;
  readonly production: string;
  readonly host: string;
  /** Whether the headers get ids, for a signature. */
  readonly signed: boolean;
}

/** The headers added to an envelope: those of WS-Addressing, unless it has its own, and those of the settings. */
async function requestHeaders(asked: Addressed, around: Around): Promise<RequestHeaders> {
  const { message, envelope } = asked;
  const { settings } = around;
  const more = await Promise.all(settings.soapHeaders.map((one) => one.render(message)));
  for (const header of more) checkHeader(header);
  const own = envelope && addressingOf(envelope);
  if (own !== undefined) {
    const messageId = own.messageId || undefined;
    return { xml: more.join(''), addressed: ownIds(envelope), messageId };
  }
  if (settings.addressing === 'none') {
    return { xml: more.join(''), addressed: [], messageId: undefined };
  }
  const made = await addressing(asked, around);
  return { ...made, xml: made.xml + more.join('') };
}

async function addressing(
  { message, version, operation, action, url }: Addressed,
  { settings, production, host, signed }: Around,
): Promise<RequestHeaders> {
  const messageId = messageIdFor(production, host, message.id);
  const isOneWay = operation !== undefined && operation.output === undefined;
  const { xml, ids } = addressingHeaders({
    version,
    mustUnderstand: settings.addressing === 'required',
    signed,
    to: (await settings.to?.render(message)) || `${url.origin}${url.pathname}`,
    from: await settings.from?.render(message),
    action: action || operation?.input.action,
    messageId,
    replyTo: isOneWay ? undefined : ANONYMOUS,
  });
  return { xml, addressed: ids, messageId };
}

/** The ids of addressing headers already there: only those can be signed. */
const ownIds = (envelope: Envelope | undefined): readonly string[] =>
  (envelope?.headers ?? [])
    .filter(({ uri }) => uri === ADDRESSING)
    .flatMap((one) => attributeOf(one, 'Id', UTILITY) ?? []);

/** It is put into an envelope as it is. */
function checkHeader(header: string): void {
  rejecting(() => readXml(Buffer.from(`<h>${header}</h>`)));
}

/** A retry does not turn a body into usable XML. */
function rejecting<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new RejectedError(
      `${error.message} Have a transform make XML of it, or a whole envelope.`,
      { cause: error },
    );
  }
}
