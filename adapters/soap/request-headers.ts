import type { Message } from 'waybill/adapter';
import {
  ADDRESSING,
  ANONYMOUS,
  addressingHeaders,
  addressingOf,
  messageIdFor,
} from './addressing.ts';
import { type Envelope, UTILITY } from './envelope.ts';
import { rejecting } from './rejecting.ts';
import type { SoapOutValues } from './soap-out-settings.ts';
import type { SoapVersion } from './soap-version.ts';
import type { WsdlOperation } from './wsdl/wsdl.ts';
import { attributeOf, readXml } from './xml.ts';

/** The headers of one request. */
export interface RequestHeaders {
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

/** The headers that are added to an envelope: those of WS-Addressing, unless it has its own, and those of the settings. */
export async function requestHeaders(asked: Addressed, around: Around): Promise<RequestHeaders> {
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

/** The ids of addressing headers that are there already: only those can be signed. */
const ownIds = (envelope: Envelope | undefined): readonly string[] =>
  (envelope?.headers ?? [])
    .filter(({ uri }) => uri === ADDRESSING)
    .flatMap((one) => attributeOf(one, 'Id', UTILITY) ?? []);

/** It is put into an envelope as it is. */
function checkHeader(header: string): void {
  rejecting(() => readXml(Buffer.from(`<h>${header}</h>`)));
}
