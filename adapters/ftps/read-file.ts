import { PassThrough } from 'node:stream';
import { FileError, type FileFacts } from 'waybill/peer';
import type { FtpsSession } from './ftps-session.ts';

/** Bytes fetched ahead of whoever reads. */
const AHEAD = 1024 * 1024;

/**
 * Fetches a file as fast as it is read. Ends with `changed` where its length is not the expected one:
 * a transfer that the server breaks off may look like a file that is done. A reader that stops early
 * costs the connection, since FTP cannot stop a transfer otherwise.
 */
export async function* readFile(
  session: FtpsSession,
  path: string,
  expected: FileFacts,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Destroyed without a word: the library would close the client at its error, before the server has said why.
  const through = new PassThrough({
    highWaterMark: AHEAD,
    destroy: (_error, done) => done(null),
  });
  const fetched = session.run((client) => client.downloadTo(through, path));
  // the end of the stream tells whoever reads, who asks for the reason
  fetched.catch(() => through.destroy());
  let size = 0;
  try {
    for await (const chunk of through as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      yield chunk;
    }
  } catch (error) {
    // Why the transfer broke off is known from its end.
    await fetched;
    throw error;
  } finally {
    through.destroy();
  }
  // The stream may end before the server says whether all went well.
  await fetched;
  if (size !== expected.size) {
    throw new FileError(
      'changed',
      'The file was changed while it was read. It is read again when it has come to rest.',
    );
  }
}
