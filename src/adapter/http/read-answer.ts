import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { RejectedError, TemporaryError } from '../../error/adapter-error.ts';
import { describeSize } from '../../time/size.ts';

type Unpack = (packed: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const UNPACK: Readonly<Record<string, Unpack>> = {
  gzip: promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  'x-gzip': promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate),
  br: promisify<Buffer, { maxOutputLength: number }, Buffer>(brotliDecompress),
};

/** Reads an answer to its end, unpacked. A longer one than `limit` bytes is a RejectedError: asking again would bring it again. */
export async function readAnswer(
  chunks: AsyncIterable<Uint8Array>,
  encoding: string | undefined,
  { limit, place }: { readonly limit: number; readonly place: string },
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge(limit, place);
    parts.push(chunk);
  }
  const whole = Buffer.concat(parts, size);
  const unpack = UNPACK[encoding?.trim().toLowerCase() ?? ''];
  if (unpack === undefined || size === 0) return whole;
  try {
    return await unpack(whole, { maxOutputLength: limit });
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit, place);
    throw new TemporaryError(
      `${place} packed its answer as ${encoding}, and it cannot be unpacked. Look into the log of the peer.`,
    );
  }
}

function tooLarge(limit: number, place: string): RejectedError {
  return new RejectedError(
    `The answer of ${place} is larger than ${describeSize(limit)}. The peer has taken the message; raise replyLimit if the answer matters.`,
  );
}
