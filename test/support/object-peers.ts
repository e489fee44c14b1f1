import type { InboundPeer } from '../contract/inbound.contract.ts';
import type { OutboundPeer } from '../contract/outbound.contract.ts';
import type { OpenOptions } from './open-adapter.ts';
import type { TcpGate } from './tcp-gate.ts';

/** A server of objects, in buckets or containers. */
interface Objects {
  put(place: string, key: string, content: Uint8Array): Promise<void>;
  get(place: string, key: string): Promise<{ readonly bytes: Buffer }>;
  keys(place: string): Promise<readonly string[]>;
}

/** A bucket or container of its own, behind a gate. */
interface OwnPlace {
  readonly server: Objects;
  readonly place: string;
  readonly gate: TcpGate;
  readonly given: Readonly<Record<string, unknown>>;
  readonly options: OpenOptions;
}

/** What is written there. */
export function writtenObjects({ server, place, gate, given, options }: OwnPlace): OutboundPeer {
  return {
    given: { ...given, folder: 'in', name: '{id}.hl7', timeout: '5s' },
    options,
    received: async () => {
      const keys = await server.keys(place);
      const found = await Promise.all(keys.map((key) => server.get(place, key)));
      return found.map(({ bytes }) => bytes);
    },
    hold: () => gate.pause(),
    release: () => gate.resume(),
    breakDown: () => gate.shut(),
    repair: () => gate.open(),
    [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose](),
  };
}

/** How the objects of a place are taken. */
export const TAKING = { folder: 'out', every: '20ms', stable: '0s', order: 'name' };

/** What is taken there. */
export function takenObjects({ server, place, gate, given, options }: OwnPlace): InboundPeer {
  let offered = 0;
  return {
    given: { ...given, ...TAKING },
    options,
    async offer(body) {
      const key = `out/${String(++offered).padStart(4, '0')}.hl7`;
      await server.put(place, key, body);
      return {
        standing: async () => ((await server.keys(place)).includes(key) ? 'waiting' : 'taken'),
      };
    },
    breakDown: () => gate.shut(),
    [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose](),
  };
}
