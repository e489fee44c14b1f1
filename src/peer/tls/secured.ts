import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecure } from 'node:tls';

/**
 * TLS on a connection that began in plain text, with what `clientTls` gives; nobody may read the plain one any more.
 * Throws what went wrong with the handshake; destroying the plain connection ends it.
 */
export async function secured(plain: Socket, options: ConnectionOptions): Promise<Socket> {
  const socket = connectSecure({ ...options, socket: plain });
  try {
    await once(socket, 'secureConnect');
    return socket;
  } catch (error) {
    // a destroyed socket may still report the error it was destroyed with
    socket.on('error', () => undefined).destroy();
    throw error;
  }
}
