import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** The system may return the same port twice if it has not been used yet. */
const given = new Set<number>();

/** A port of the loopback interface that is free now; never the same one twice. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}
