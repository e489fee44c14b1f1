import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type NtlmJudge, startSamba } from './samba.ts';

export interface NtlmRequest {
  /** 0 without a message, otherwise the number of the NTLM message. */
  readonly leg: number;
  /** The client's port, which identifies the connection. */
  readonly connection: number;
  readonly body: Buffer;
}

export interface NtlmServer extends AsyncDisposable {
  readonly url: string;
  readonly account: { readonly user: string; readonly domain: string };
  readonly requests: NtlmRequest[];
  /** Closes every connection, as servers do with idle ones. */
  dropConnections(): void;
}

/** A web server behind NTLM: Samba keeps the account and checks the messages. */
export async function ntlmServer(password: string): Promise<NtlmServer> {
  const samba = await startSamba(password);
  const requests: NtlmRequest[] = [];
  const known = new Map<Socket, NtlmJudge>();
  const server = createServer((request, response) => {
    const { socket } = request;
    const connection = known.get(socket) ?? samba.judge();
    if (!known.has(socket)) {
      known.set(socket, connection);
      socket.on('close', () => {
        known.delete(socket);
        connection.end();
      });
    }
    // A client that disconnected is gone.
    serve(request, response, { connection, requests }).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    account: samba.account,
    requests,
    dropConnections: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await samba[Symbol.asyncDispose]();
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { connection, requests }: { readonly connection: NtlmJudge; readonly requests: NtlmRequest[] },
): Promise<void> {
  const body = await buffer(request);
  const [, message = ''] = /^NTLM (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  const leg = message === '' ? 0 : Buffer.from(message, 'base64').readUInt32LE(8);
  requests.push({ leg, connection: request.socket.remotePort ?? 0, body });
  const user = leg === 0 ? connection.user : await connection.judge(leg, message);
  if (user !== undefined) response.end(user);
  else response.writeHead(401, { 'www-authenticate': `NTLM${connection.challenge}` }).end();
}
