import { type Message, RejectedError } from 'waybill/adapter';
import { documentOf } from 'waybill/document';

/** What of a resource decides where it goes. */
export interface Resource {
  readonly resourceType: string;
  readonly id: unknown;
  /** Of a Bundle. */
  readonly type: unknown;
}

/** Whether the body is written in XML: FHIR's own type, or that of any XML file. */
export function isXml({ type }: Pick<Message, 'type'>): boolean {
  return /^(application\/(fhir\+)?xml|text\/xml)\b/i.test(type);
}

/** Reads the body of a message. Throws a RejectedError where it is no FHIR resource; of a parser's error nothing is kept: it quotes the body. */
export async function resourceOf(message: Message): Promise<Resource> {
  const bytes = await message.body.bytes();
  const { resourceType, id, type } = isXml(message) ? inXml(bytes) : inJson(bytes);
  if (typeof resourceType === 'string' && /^[A-Z][A-Za-z]{1,63}$/.test(resourceType)) {
    return { resourceType, id, type };
  }
  throw new RejectedError(
    'The body has no resourceType, so it is no FHIR resource. Check the transform.',
  );
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

type Found = Partial<Record<keyof Resource, unknown>>;

function inJson(bytes: Uint8Array): Found {
  try {
    return Object(JSON.parse(UTF8.decode(bytes))) as Found;
  } catch {
    throw new RejectedError(
      'The body is not JSON, and so no FHIR resource. Have a transform make one; XML must have a type such as application/fhir+xml.',
    );
  }
}

function inXml(bytes: Uint8Array): Found {
  try {
    const document = documentOf(bytes, { type: 'application/xml' });
    const valueOf = (name: string): string | undefined =>
      document.get(`/*/${name}/@value`) || undefined;
    return {
      resourceType: document.get('local-name(/*)'),
      id: valueOf('id'),
      type: valueOf('type'),
    };
  } catch {
    throw new RejectedError(
      'The body is not XML, and so no FHIR resource, although its type says so. Correct the type, or have a transform make one.',
    );
  }
}
