import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the range for outgoing connections: one of these could take a port before its server does,
 * and a client that waits for such a port to open may connect to itself.
 */
const [LOWEST, HIGHEST] = [10_000, 32_000];

const given = new Set<number>();

/** A port of the loopback interface that is free now; never the same one twice. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const listening = await once(server, 'listening').then(
    () => true,
    // it is in use
    () => false,
  );
  if (!listening) return false;
  server.close();
  await once(server, 'close');
  return true;
}
