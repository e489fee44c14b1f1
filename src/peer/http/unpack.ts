import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { TemporaryError } from '../../error/adapter-error.ts';
import { placeOfUrl } from './http-exchange.ts';
import { tooLarge, type WholeAnswer } from './whole-answer.ts';

type Unpack = (packed: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const UNPACK: Readonly<Record<string, Unpack>> = {
  gzip: promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  'x-gzip': promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip),
  deflate: promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate),
  br: promisify<Buffer, { maxOutputLength: number }, Buffer>(brotliDecompress),
};

/** The body of an answer as it was before its server packed it. One that unpacks to more than `limit` bytes is a RejectedError. */
export async function unpacked(
  { body, headers }: WholeAnswer,
  { limit, url }: { readonly limit: number; readonly url: URL },
): Promise<Buffer> {
  const encoding = headers['content-encoding'] ?? '';
  const unpack = UNPACK[encoding.trim().toLowerCase()];
  if (unpack === undefined || body.length === 0) return body;
  try {
    return await unpack(body, { maxOutputLength: limit });
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(url, limit);
    throw new TemporaryError(
      `${placeOfUrl(url)} packed its answer as ${encoding.slice(0, 20)}, and it cannot be unpacked. Look into the log of the peer.`,
    );
  }
}
