import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import mllpIn from '../adapters/mllp/mllp-in.ts';
import mllpOut from '../adapters/mllp/mllp-out.ts';
import { lent, outgoing } from './lent.ts';
import { median } from './median.ts';
import { message } from './messages.ts';
import { receiver, sender } from './peers.ts';

/** The sender and the listener: plain sockets, or the adapter with a store that accepts everything at once. */
type Side = 'sockets' | 'adapter';

/** The rate of request and acknowledgement over MLLP, one message in flight on each connection. */
export interface MllpRate {
  readonly sender: Side;
  readonly listener: Side;
  readonly connections: number;
  /** Median of the rounds. */
  readonly perSecond: number;
  /** Median of the ratios to plain sockets in the same round; 1 for the plain sockets themselves. */
  readonly ratio: number;
}

const PAIRS: readonly (readonly [Side, Side])[] = [
  ['sockets', 'sockets'],
  ['sockets', 'adapter'],
  ['adapter', 'sockets'],
  ['adapter', 'adapter'],
];

/** Measures every pair in every round, so that other work on the machine affects all of them. */
export async function runMllpBench(messages: number, rounds: number): Promise<MllpRate[]> {
  const rates: MllpRate[] = [];
  for (const connections of [1, 10]) {
    const measured = PAIRS.map((): number[] => []);
    for (let round = 0; round <= rounds; round++) {
      for (const [index, [from, to]] of PAIRS.entries()) {
        measured[index]?.push(await measure(from, to, { connections, messages }));
      }
    }
    // The first round warmed up.
    for (const taken of measured) taken.shift();
    const bare = measured[0] ?? [];
    for (const [index, [from, to]] of PAIRS.entries()) {
      const taken = measured[index] ?? [];
      const ratios = taken.map((rate, round) => rate / (bare[round] ?? rate));
      rates.push({
        sender: from,
        listener: to,
        connections,
        perSecond: Math.round(median(taken)),
        ratio: median(ratios),
      });
    }
  }
  return rates;
}

interface Load {
  readonly connections: number;
  readonly messages: number;
}

/** The listener is in its own process, the sender in this one. */
async function measure(from: Side, to: Side, { connections, messages }: Load): Promise<number> {
  const listener = fork(fileURLToPath(import.meta.url), ['--listen', to]);
  try {
    const [port] = (await once(listener, 'message')) as [number];
    const lanes = await Promise.all(
      Array.from({ length: connections }, () => (from === 'sockets' ? plain(port) : own(port))),
    );
    let next = 0;
    const began = performance.now();
    const drive = async (lane: Lane): Promise<void> => {
      while (next < messages) await lane.send(message(next++).bytes);
    };
    await Promise.all(lanes.map(drive));
    const seconds = (performance.now() - began) / 1_000;
    await Promise.all(lanes.map((lane) => lane.close()));
    return messages / seconds;
  } finally {
    listener.kill();
    await once(listener, 'exit');
  }
}

interface Lane {
  send(body: Buffer): Promise<unknown>;
  close(): Promise<void>;
}

async function plain(port: number): Promise<Lane> {
  const bare = await sender(port);
  return {
    send: (body) => bare.send(body),
    close: () => Promise.resolve(bare.close()),
  };
}

async function own(port: number): Promise<Lane> {
  const open = await mllpOut.open(lent(mllpOut.settings, { connect: `127.0.0.1:${port}` }));
  const { signal } = new AbortController();
  return {
    async send(body) {
      const reply = await open.send(outgoing(body), signal);
      if (reply?.code !== 'AA') throw new Error('a message was not acknowledged with AA');
    },
    close: () => open.close(),
  };
}

/** Runs in the listener's process: prints its port and answers until it is killed. */
async function listen(side: Side): Promise<void> {
  if (side === 'sockets') {
    const peer = await receiver(() => undefined);
    process.send?.(peer.port);
    return;
  }
  const receipt = { messageId: 1, sessionId: 1, status: 'stored' } as const;
  await mllpIn.open({
    ...lent(
      mllpIn.settings,
      { listen: '127.0.0.1:0' },
      {
        connection(_, detail = '') {
          process.send?.(Number(detail.slice(detail.lastIndexOf(':') + 1)));
        },
      },
    ),
    deliver: () => Promise.resolve(receipt),
    lost: (reason) => {
      throw reason;
    },
    memory: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      listen: { type: 'string' },
      messages: { type: 'string', default: '20000' },
      rounds: { type: 'string', default: '3' },
    },
  });
  if (values.listen === 'sockets' || values.listen === 'adapter') {
    await listen(values.listen);
  } else {
    const rates = await runMllpBench(Number(values.messages), Number(values.rounds));
    for (const { sender: from, listener: to, connections, perSecond, ratio } of rates) {
      process.stdout.write(
        `${connections} connections, ${from} → ${to}: ${perSecond}/s (${ratio.toFixed(2)} × plain sockets)\n`,
      );
    }
  }
}
