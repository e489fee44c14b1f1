import { type KV, Kvm } from '@nats-io/kv';
import type { Memory } from '../adapter/adapter.ts';
import type { Broker } from './broker.ts';
import { patiently } from './patiently.ts';

/** What a production stores besides its messages: switches, poll cursors, leases. */
export interface State {
  /** Why a host was switched off by a person or by itself; undefined while it is on. */
  switchedOff(host: string): Promise<Switch | undefined>;
  switchOff(host: string, reason: Switch): Promise<void>;
  switchOn(host: string): Promise<void>;
  memory(host: string): Memory;
  readonly kv: KV;
}

export interface Switch {
  readonly by: string;
  readonly at: number;
  readonly reason: string;
}

export async function state({ jetstream, names, replicas }: Broker): Promise<State> {
  const kv = await patiently(names.state, () =>
    new Kvm(jetstream).create(names.state, { history: 1, replicas }),
  );
  const read = async (key: string): Promise<string | undefined> => {
    const entry = await kv.get(key);
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.string();
  };
  return {
    kv,
    async switchedOff(host) {
      const text = await read(`off.${host}`);
      return text === undefined ? undefined : (JSON.parse(text) as Switch);
    },
    async switchOff(host, reason) {
      await kv.put(`off.${host}`, JSON.stringify(reason));
    },
    async switchOn(host) {
      await kv.delete(`off.${host}`);
    },
    memory: (host) => ({
      read: () => read(`memory.${host}`),
      async write(value) {
        await kv.put(`memory.${host}`, value);
      },
    }),
  };
}
