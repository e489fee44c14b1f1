import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** The ports that are given, from the first one up to before the second. */
type Range = readonly [lowest: number, end: number];

/**
 * Below the range for outgoing connections: one of these could take a port before its server does,
 * and a client that waits for such a port to open may connect to itself.
 */
let range: Range = [20_000, 32_000];
let next = randomInt(...range);

/** Ports that nobody else gives who has a part of his own, of so many; a nats-server of Waybill takes none of these. */
export function portsOfPart(part: number, parts: number): void {
  const size = Math.floor(10_000 / parts);
  const lowest = 10_000 + (part % parts) * size;
  if (range[0] === lowest) return;
  range = [lowest, lowest + size];
  next = randomInt(...range);
}

/**
 * A port of the loopback interface that is free now; the same one again only after all the others. Who takes it listens
 * there later, or lets it go for a while: another process that looks for one meanwhile finds it free as well.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next++;
    if (next === range[1]) [next] = range;
    if (await isFree(port)) return port;
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
