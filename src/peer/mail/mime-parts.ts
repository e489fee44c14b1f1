import type { Readable } from 'node:stream';
import type { AttachmentStream, MailParser, MessageText } from 'mailparser';

/** A file of a mail, as declared. */
export interface Enclosed {
  /** Without folders, which a sender may have added; `''` if it has none. */
  readonly name: string;
  readonly type: string;
  readonly charset?: string | undefined;
  /** Shown within the text. */
  readonly related: boolean;
  readonly content: AsyncIterable<Uint8Array>;
}

/** The text of a mail; `''` if it has none. */
export interface Words {
  readonly text: string;
  readonly html: string;
}

const PLAIN = { skipTextToHtml: true, skipImageLinks: true } as const;

/** The files of a mail in wire format, in order; consume each before asking for the next. */
export async function* mimeParts(
  content: Readable,
  words?: (words: Words) => void,
): AsyncGenerator<Enclosed> {
  let parser: MailParser | undefined;
  let current: AttachmentStream | undefined;
  content.on('error', (error) => {
    // Otherwise the parser would leave the reader of an attachment waiting forever for the rest.
    current?.content.destroy(error);
    parser?.destroy(error);
  });
  // most adapters read no mail: the library is loaded by the first
  const library = await import('mailparser');
  if (content.errored !== null) throw content.errored;
  parser = new library.MailParser({
    ...PLAIN,
    skipHtmlToText: words === undefined,
    // They are opened here, within limits, whether they are shown within the text or not.
    ignoreEmbedded: true,
  });
  content.pipe(parser);
  try {
    for await (const found of parser as AsyncIterable<AttachmentStream | MessageText>) {
      if (found.type === 'text') {
        words?.({ text: found.text ?? '', html: found.html || '' });
        continue;
      }
      current = found;
      const chunks = found.content[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
      yield enclosed(found, chunks);
      await exhaust(chunks);
      found.release?.();
    }
  } finally {
    parser.destroy();
  }
}

/** What nobody reads must be drained, or the parser waits for ever. */
async function exhaust(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  for (let next = await chunks.next(); next.done !== true; ) next = await chunks.next();
}

function enclosed(
  { headers, filename, contentType, related }: AttachmentStream,
  chunks: AsyncIterator<Uint8Array>,
): Enclosed {
  return {
    name: fileName(filename),
    type: contentType,
    charset: charsetOf(headers),
    related: related === true,
    content: { [Symbol.asyncIterator]: () => chunks },
  };
}

export function charsetOf(headers: AttachmentStream['headers']): string | undefined {
  const header = headers.get('content-type');
  return (header as { params?: { charset?: string } } | undefined)?.params?.charset;
}

/** Without folders. */
export function fileName(name: string | undefined = ''): string {
  return name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
}
