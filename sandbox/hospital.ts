import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as plainServer } from 'node:net';
import { createServer as tlsServer } from 'node:tls';

/** A receiving system of a hospital: listens for HL7 over MLLP, counts what arrives, answers AA. */
export interface ReceivingSystem {
  readonly name: string;
  readonly port: number;
  readonly count: () => number;
}

export interface Hospital extends AsyncDisposable {
  readonly systems: readonly ReceivingSystem[];
  close(): Promise<void>;
}

export interface HospitalOptions {
  /** Name → port; 0 for a free one. */
  readonly systems: Readonly<Record<string, number>>;
  readonly host?: string;
  /** Mutual TLS: only clients with a certificate of this authority are accepted. Plain TCP if left out. */
  readonly tls?:
    | { readonly certificate: string; readonly key: string; readonly trust: string }
    | undefined;
  readonly onMessage?: (system: string, message: Buffer) => void;
}

const START = 0x0b;
const END = 0x1c;
const LIMIT = 64 * 1024 * 1024;

/**
 * Starts all systems of a hospital. It shares no code with the engine's adapters, so its counts are
 * what a peer really got.
 */
export async function hospital(options: HospitalOptions): Promise<Hospital> {
  const started = await Promise.all(
    Object.entries(options.systems).map(([name, port]) => receivingSystem(name, port, options)),
  );
  const close = async (): Promise<void> => {
    await Promise.all(started.map((one) => one.close()));
  };
  return { systems: started, close, [Symbol.asyncDispose]: close };
}

async function receivingSystem(
  name: string,
  port: number,
  { host = '127.0.0.1', tls, onMessage }: HospitalOptions,
): Promise<ReceivingSystem & { close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let count = 0;
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    onFrames(socket, (message) => {
      count++;
      onMessage?.(name, message);
      socket.write(answer(name, message, count));
    });
  };
  const server =
    tls === undefined
      ? plainServer(serve)
      : tlsServer(
          {
            cert: tls.certificate,
            key: tls.key,
            ca: tls.trust,
            requestCert: true,
            rejectUnauthorized: true,
            minVersion: 'TLSv1.2',
          },
          serve,
        );
  server.listen(port, host);
  await once(server, 'listening');
  return {
    name,
    port: (server.address() as AddressInfo).port,
    count: () => count,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function onFrames(socket: Socket, take: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (rest.byteLength > LIMIT) return socket.destroy();
    for (let end = rest.indexOf(END); end >= 0; end = rest.indexOf(END)) {
      take(Buffer.from(rest.subarray(rest.indexOf(START) + 1, end)));
      rest = rest.subarray(end + 2);
    }
    return undefined;
  });
}

/** An original-mode acknowledgement in the sender's delimiters (HL7 2.5.1, 2.9.2). */
function answer(name: string, message: Buffer, number: number): Buffer {
  const head = message.toString('latin1').split(/[\r\n]/, 1)[0] ?? '';
  const bar = head.charAt(3) || '|';
  const fields = head.split(bar);
  const controlId = fields[9] ?? '';
  const msh = [
    `MSH`,
    fields[1] ?? '^~\\&',
    name,
    'HOSPITAL',
    fields[2] ?? '',
    fields[3] ?? '',
    '',
    '',
    'ACK',
    `${name}${number}`,
    'P',
    fields[11] ?? '2.5.1',
  ];
  const text = `${msh.join(bar)}\rMSA${bar}AA${bar}${controlId}\r`;
  return Buffer.concat([Buffer.of(START), Buffer.from(text, 'latin1'), Buffer.of(END, 0x0d)]);
}
