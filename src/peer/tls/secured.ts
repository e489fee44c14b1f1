import type { Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecure } from 'node:tls';
import { after } from '../../time/timer.ts';
import { coded } from './coded.ts';

/**
 * TLS on a connection that began in plain text, with what `clientTls` gives; nobody may read the plain one any more.
 * Throws what went wrong with the handshake, ETIMEDOUT after `timeout` milliseconds, and ECONNRESET where the plain
 * connection is destroyed meanwhile: Node then closes the one with TLS without a word.
 */
export async function secured(
  plain: Socket,
  options: ConnectionOptions,
  timeout: number,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const closed = (): void => reject(coded('ECONNRESET', undefined));
  const socket = connectSecure({ ...options, socket: plain });
  const timer = after(timeout, () => reject(coded('ETIMEDOUT', undefined)));
  socket.once('secureConnect', resolve).once('error', reject).once('close', closed);
  plain.once('close', closed);
  if (plain.destroyed) closed();
  try {
    await promise;
    return socket;
  } catch (error) {
    // a destroyed socket may still report the error it was destroyed with
    socket.on('error', () => undefined).destroy();
    throw error;
  } finally {
    timer.stop();
    socket.off('error', reject).off('close', closed);
    plain.off('close', closed);
  }
}
