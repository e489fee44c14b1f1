import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { leases } from '../../src/broker/lease.ts';
import { state } from '../../src/broker/state.ts';
import { ensureStream } from '../../src/broker/streams.ts';
import { whileHeld } from '../../src/broker/while-held.ts';
import { startNats } from '../support/nats.ts';
import { canMount, smallDisk } from '../support/small-disk.ts';

test.runIf(canMount)(
  'who waits for NATS because its disk is full is told so, and goes on once there is room',
  async () => {
    await using disk = await smallDisk(16);
    await using nats = await startNats('process-crash', disk.path);
    await using broker = await connectBroker({ ...nats, production: 'full', role: 'test' });
    const { kv } = await state(broker);
    const { stream, subject } = broker.names.queue('lab');
    await ensureStream(broker, stream, [subject], { duplicateWindow: 1_000, limit: 1_000_000_000 });
    await disk.fill(true);
    // what was reserved for a block may take some more
    await vi.waitFor(() =>
      expect(broker.publisher.publish(subject, Buffer.alloc(200_000))).rejects.toThrow(
        /no space left on device\. Free its disk: room .* or inodes/,
      ),
    );
    await vi.waitFor(() =>
      expect(kv.put('ballast', 'x'.repeat(5_000))).rejects.toThrow(/no space left/),
    );
    const problems = new Set<string | undefined>();
    const stopping = new AbortController();
    let held = false;
    const holding = whileHeld(leases(kv, 'me'), 'line', {
      signal: stopping.signal,
      onWaiting: ({ problem }) => problems.add(problem),
      run: async () => {
        held = true;
        return 'clean';
      },
    });
    await vi.waitFor(() =>
      expect([...problems].join()).toMatch(/NATS refuses it: .*no space left.*Free its disk/),
    );
    expect(held).toBe(false);
    await disk.fill(false);
    await vi.waitFor(() => expect(held).toBe(true));
    stopping.abort();
    await holding;
    expect(await broker.publisher.publish(subject, Buffer.alloc(200_000))).toMatchObject({
      stream,
    });
  },
);
