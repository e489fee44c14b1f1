import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import { KIND, packetOf } from './tds-channel.ts';

const HEADER = 8;

/** TLS of a server: with TDS 7 only the handshake is in packets of the protocol; with TDS 8 everything is TLS. */
export async function secured(
  socket: Socket,
  context: SecureContext,
  isStrict: boolean,
): Promise<TLSSocket> {
  const secure = isStrict
    ? new TLSSocket(socket, {
        isServer: true,
        secureContext: context,
        ALPNProtocols: ['tds/8.0'],
      })
    : new TLSSocket(handshakeIn(socket), { isServer: true, secureContext: context });
  secure.on('error', () => socket.destroy());
  await once(secure, 'secure');
  return secure;
}

/** The client speaks first once the handshake is over, without packets around it. */
function handshakeIn(socket: Socket): Duplex {
  let heard = Buffer.alloc(0);
  let isOver = false;
  const stream = new Duplex({
    read: () => undefined,
    writev: (chunks, done) => {
      const bytes = Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer));
      const isLast = { isLast: true, number: 1 };
      socket.write(isOver ? bytes : packetOf(KIND.prelogin, bytes, isLast), done);
    },
    final: (done) => {
      socket.end();
      done();
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (bytes: Buffer) => {
    if (!isOver) {
      heard = Buffer.concat([heard, bytes]);
      while (heard[0] === KIND.prelogin && heard.length >= heard.readUInt16BE(2)) {
        stream.push(heard.subarray(HEADER, heard.readUInt16BE(2)));
        heard = heard.subarray(heard.readUInt16BE(2));
      }
      if (heard.length === 0 || heard[0] === KIND.prelogin) return;
      isOver = true;
    }
    stream.push(isOver && heard.length > 0 ? heard : bytes);
    heard = Buffer.alloc(0);
  });
  socket.on('close', () => stream.destroy());
  return stream;
}
