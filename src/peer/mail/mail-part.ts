import type { NewMessage } from '../../message/message.ts';
import { beginning, continued } from '../beginning.ts';
import { fileType } from '../folder/file-type.ts';

/** Parts up to this size are passed on in memory: for them, a stream costs more than it saves. */
const IN_MEMORY = 256 * 1024;

/** What a mail adapter takes from a mail; it adds where the mail came from. */
export type MailPart = Pick<NewMessage, 'body' | 'type' | 'charset' | 'name'>;

/** What the mail says about a part. */
export interface PartFacts {
  /** The file name, or the subject if the part has none. */
  readonly name: string;
  /** The media type as declared. */
  readonly type: string;
  readonly charset?: string | undefined;
}

/** These say little: programs use them for files they do not know. */
const VAGUE =
  /^(application\/(octet-stream|x-download|force-download|binary)|text\/plain|x-application\/.*)$/i;

/**
 * A part as a message: small ones in memory, large ones as a stream that continues from what was
 * read. HL7, X12 and EDIFACT are recognised by their first bytes; otherwise the declared type counts, unless it is a
 * vague one.
 */
export async function mailPart(
  content: AsyncIterable<Uint8Array>,
  facts: PartFacts,
): Promise<MailPart> {
  const chunks = content[Symbol.asyncIterator]();
  const { head, ended } = await beginning(chunks, IN_MEMORY + 1);
  return part(ended ? head : continued(head, chunks), head, facts);
}

function part(body: NewMessage['body'], head: Uint8Array, facts: PartFacts): MailPart {
  return { body, type: typeOf(head, facts), charset: facts.charset, name: facts.name };
}

function typeOf(head: Uint8Array, { name, type }: PartFacts): string {
  if (type === 'message/rfc822') return type;
  const found = fileType(head, name);
  if (/^(?:HL7v2|X12|EDIFACT)(?::|$)/.test(found)) return found;
  if (!VAGUE.test(type)) return type;
  return found === 'application/octet-stream' ? type : found;
}

/** A mail as one JSON document: the result of `take: parts`. */
export interface MailDocument {
  readonly messageId: string;
  /** ISO 8601, UTC; `''` if the mail does not say. */
  readonly date: string;
  readonly from: readonly MailDocumentAddress[];
  readonly to: readonly MailDocumentAddress[];
  readonly cc: readonly MailDocumentAddress[];
  readonly subject: string;
  readonly text: string;
  /** `''` if the mail has none. */
  readonly html: string;
  readonly attachments: readonly {
    readonly name: string;
    readonly type: string;
    readonly size: number;
    /** Base64. */
    readonly content: string;
  }[];
}

export interface MailDocumentAddress {
  readonly name: string;
  readonly address: string;
}

export function mailDocument(document: MailDocument): MailPart {
  return {
    body: Buffer.from(JSON.stringify(document)),
    type: 'application/json',
    charset: 'utf-8',
    name: document.subject,
  };
}

export function mailText(text: string, subject: string): MailPart {
  return { body: Buffer.from(text), type: 'text/plain', charset: 'utf-8', name: subject };
}
