import { NodeTransport } from '@nats-io/transport-node/lib/node_transport.js';

// oxlint-disable-next-line typescript/unbound-method -- called with the transport that is closed
const { close } = NodeTransport.prototype;

/**
 * Lets nats.js (3.4) end what it began: an attempt to connect that takes too long leaves its connection open, for ever if the
 * server stands still, and one more with every further attempt.
 */
export function endNatsAttempts(): void {
  NodeTransport.prototype.close = ended;
}

async function ended(this: NodeTransport, error?: Error): Promise<void> {
  await close.call(this, error);
  if (this.connected) return;
  // one that is still being made looks at this once it stands
  this.done = true;
  (this.socket as NodeTransport['socket'] | undefined)?.destroy();
}
