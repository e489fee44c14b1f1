import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { RejectedError, TemporaryError } from '../../error/adapter-error.ts';
import { describeSize } from '../../time/size.ts';
import { placeOfUrl } from './http-exchange.ts';

type Unpack = (packed: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const UNPACK: Readonly<Record<string, Unpack>> = {
  gzip: promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  'x-gzip': promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate),
  br: promisify<Buffer, { maxOutputLength: number }, Buffer>(brotliDecompress),
};

interface Readable extends AsyncIterable<Uint8Array> {
  arrayBuffer(): Promise<ArrayBuffer>;
}

interface Limits {
  /** Bytes. */
  readonly limit: number;
  readonly url: URL;
}

/** Reads an answer to its end, unpacked. A longer one than `limit` is a RejectedError: asking again would bring it again. */
export async function readAnswer(
  answer: Readable,
  headers: Readonly<Record<string, string>>,
  limits: Limits,
): Promise<Buffer> {
  const { 'content-length': length, 'content-encoding': encoding } = headers;
  const isShort = length !== undefined && Number(length) <= limits.limit;
  const whole = isShort ? Buffer.from(await answer.arrayBuffer()) : await gathered(answer, limits);
  return encoding === undefined || whole.length === 0 ? whole : unpacked(whole, encoding, limits);
}

async function gathered(chunks: AsyncIterable<Uint8Array>, limits: Limits): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > limits.limit) throw tooLarge(limits);
    parts.push(chunk);
  }
  return Buffer.concat(parts, size);
}

async function unpacked(whole: Buffer, encoding: string, limits: Limits): Promise<Buffer> {
  const unpack = UNPACK[encoding.trim().toLowerCase()];
  if (unpack === undefined) return whole;
  try {
    return await unpack(whole, { maxOutputLength: limits.limit });
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limits);
    throw new TemporaryError(
      `${placeOfUrl(limits.url)} packed its answer as ${encoding.slice(0, 20)}, and it cannot be unpacked. Look into the log of the peer.`,
    );
  }
}

function tooLarge({ limit, url }: Limits): RejectedError {
  return new RejectedError(
    `The answer of ${placeOfUrl(url)} is larger than ${describeSize(limit)}. The peer has taken the message; raise replyLimit if the answer matters.`,
  );
}
