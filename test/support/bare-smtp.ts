import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { vi } from 'vitest';

/** An SMTP server with nothing but the mail transaction: no TLS, no sign-in, and quick to greet. */
export interface BareSmtp extends AsyncDisposable {
  readonly port: number;
  /** The confirmed mails, whether or not the confirmation arrived. */
  readonly mails: Buffer[];
  /** Every command, unchanged, in order. */
  readonly commands: string[];
  /** Resolves once no connection is left, so that nothing more can arrive. */
  settled(): Promise<void>;
}

export async function bareSmtp(): Promise<BareSmtp> {
  const mails: Buffer[] = [];
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, mails, commands);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    commands,
    async settled() {
      await vi.waitFor(
        () => {
          if (sockets.size > 0) throw new Error(`${sockets.size} connections are open`);
        },
        { interval: 2 },
      );
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function serve(socket: Socket, mails: Buffer[], commands: string[]): void {
  let pending = Buffer.alloc(0);
  let inMail = false;
  const answer = (line: string): void => {
    if (socket.writable) socket.write(`${line}\r\n`);
  };
  const command = (line: string): void => {
    commands.push(line);
    const [verb = ''] = line.toUpperCase().split(' ');
    if (verb === 'EHLO') answer('250-bare\r\n250-PIPELINING\r\n250 8BITMIME');
    else if (verb === 'DATA') {
      inMail = true;
      answer('354 go ahead');
    } else if (verb === 'QUIT') socket.end('221 bye\r\n');
    else answer('250 ok');
  };
  const take = (): boolean => {
    const mark = inMail ? '\r\n.\r\n' : '\r\n';
    const end = pending.indexOf(mark);
    if (end < 0) return false;
    const part = pending.subarray(0, end + (inMail ? 2 : 0));
    pending = pending.subarray(end + mark.length);
    if (inMail) {
      inMail = false;
      mails.push(Buffer.from(part));
      answer('250 kept for delivery');
    } else command(part.toString());
    return true;
  };
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (take());
  });
  answer('220 bare');
}
