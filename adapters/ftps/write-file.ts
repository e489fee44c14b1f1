import { once } from 'node:events';
import { Readable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Client } from 'basic-ftp';
import { background, isTold } from 'waybill/adapter';
import { FileError, inFlight } from 'waybill/peer';
import type { FtpsSession } from './ftps-session.ts';

/**
 * Sends a file and resolves once the server has it whole. A body that breaks off, or a signal that
 * aborts, ends the transfer as if the file were shorter: the connection stays usable, so that the
 * piece can be deleted; then that error is thrown.
 */
export async function writeFile(
  session: FtpsSession,
  path: string,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const source = new Source(body, signal);
  const stored = await session.run(async (client) => {
    await client.uploadFrom(quiet(withReadyEnd(source, client)), path);
    if (source.failure !== undefined) return source.size;
    return await sizeOf(() => client.size(path), source.size);
  });
  if (source.failure !== undefined) throw source.failure;
  if (stored !== source.size) {
    throw new FileError(
      'failed',
      `The server holds ${stored} bytes of the ${source.size} that were sent. It is tried again; its disk may be full.`,
    );
  }
}

/** A stream that is destroyed without a word: the library would close the client at its error, before the server has said why. */
function quiet(chunks: AsyncGenerator<Uint8Array, void, undefined>): Readable {
  return new Readable({
    read() {
      background(pushNext(this, chunks), 'reading a body to be written');
    },
    destroy(_error, done) {
      background(chunks.return(), 'giving up the body of a file');
      done(null);
    },
  });
}

async function pushNext(
  stream: Readable,
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
): Promise<void> {
  const { done, value } = await chunks.next();
  stream.push(done === true ? null : value);
}

/**
 * A data connection that is closed before its TLS handshake is over breaks, and takes the control
 * connection with it. The library begins an upload that early; only a file without bytes ends so soon.
 */
async function* withReadyEnd(
  source: Source,
  client: Client,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* source.chunks();
  const { dataSocket } = client.ftp;
  if (source.size > 0 || !(dataSocket instanceof TLSSocket)) return;
  // What goes wrong with the handshake is told by the upload itself.
  if (isSecuring(dataSocket)) await once(dataSocket, 'secureConnect').catch(() => undefined);
  // The last message of the handshake leaves with this turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
}

/** Node's own mark; there is no public way to ask. */
function isSecuring(socket: TLSSocket): boolean {
  return Reflect.get(socket, 'secureConnecting') === true;
}

/** A server without SIZE is believed that it has what it confirmed. */
async function sizeOf(ask: () => Promise<number>, sent: number): Promise<number> {
  try {
    return await ask();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 500 || code === 502 || code === 504) return sent;
    throw error;
  }
}

/** The body as a source that never fails: it ends, and remembers why. */
class Source {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #signal: AbortSignal;
  size = 0;
  failure: Error | undefined;

  constructor(body: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    this.#body = body;
    this.#signal = signal;
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    const chunks = this.#body[Symbol.asyncIterator]();
    const waiting = inFlight();
    try {
      for (;;) {
        const { done, value } = await waiting.until(this.#signal, () => chunks.next());
        if (done === true) return;
        this.size += value.byteLength;
        yield value;
      }
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error('the body broke off');
    } finally {
      // Not waited for: a body that stalls would hold up the end.
      const given = chunks.return?.();
      if (given !== undefined) background(given, 'giving up the body of a file', isTold);
    }
  }
}
