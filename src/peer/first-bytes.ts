import { NotConnectedError } from '../error/adapter-error.ts';
import { type Dialling, dial, notConnected, placeOf } from './dial.ts';
import { spokenProtocol } from './spoken-protocol.ts';
import type { TlsClientLent } from './tls/tls-files.ts';

/** How long a port may be silent. */
const LISTEN_FOR = 1_000;

/**
 * After a failure that says nothing: what a port says first, to a line that any server may hear. Another known protocol,
 * or that it cannot be reached, comes as the error to throw; otherwise the bytes, which may be none.
 */
export async function firstBytes(
  lent: TlsClientLent,
  to: Dialling,
  signal: AbortSignal,
): Promise<Buffer | NotConnectedError> {
  const place = placeOf(to.address);
  try {
    const socket = await dial(lent, to, signal);
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    const nothing = (): void => resolve(Buffer.alloc(0));
    const timer = setTimeout(nothing, LISTEN_FOR);
    socket.once('data', resolve).on('error', nothing).once('close', nothing);
    socket.write('\r\n\r\n');
    const first = await promise;
    clearTimeout(timer);
    socket.destroy();
    const spoken = spokenProtocol(first);
    return spoken === undefined
      ? first
      : new NotConnectedError(`Not connected: ${place} ${spoken.seen}. ${spoken.remedy}.`);
  } catch (error) {
    return error instanceof NotConnectedError ? error : notConnected(error, place);
  }
}
