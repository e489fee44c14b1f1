import type { KV } from '@nats-io/kv';
import type { Memory } from '../adapter/adapter.ts';
import { EngineError } from '../error/engine-error.ts';
import { toldElsewhere } from '../error/foreseen.ts';
import type { Broker } from './broker.ts';
import { openBucket } from './bucket.ts';
import { isOutrun } from './lease.ts';

/** What a production stores besides its messages: switches, poll cursors, leases. */
export interface State {
  /** Why a host was switched off by a person or by itself; undefined while it is on. */
  switchedOff(host: string): Promise<Switch | undefined>;
  switchOff(host: string, reason: Switch): Promise<void>;
  switchOn(host: string): Promise<void>;
  /** `isOurs`: whether the host still works on this engine, where it works on one alone; by default always. */
  memory(host: string, isOurs?: () => boolean): Memory;
  readonly kv: KV;
}

export interface Switch {
  readonly by: string;
  readonly at: number;
  readonly reason: string;
}

export async function state(broker: Broker): Promise<State> {
  const kv = await openBucket(broker, broker.names.state);
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
    memory(host, isOurs) {
      const key = `memory.${host}`;
      if (isOurs !== undefined) return ownMemory(kv, key, isOurs);
      return {
        read: () => read(key),
        async write(value) {
          await kv.put(key, value);
        },
      };
    },
  };
}

/** How often a write is tried over what a late engine or an unanswered write of our own left. */
const TRIES = 4;

/**
 * The memory of a host that works on one engine at a time. An engine that stood still and lost its lease meanwhile does
 * not write over what the next one has noted: each write expects the revision that was read or written last, and where
 * there is another one it is asked again whose the host is.
 */
function ownMemory(kv: KV, key: string, isOurs: () => boolean): Memory {
  let revision = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const read = async (): Promise<string | undefined> => {
    const entry = await kv.get(key);
    revision = entry?.revision ?? 0;
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.string();
  };
  const write = async (value: string): Promise<void> => {
    for (let tries = 1; tries <= TRIES; tries++) {
      if (!isOurs()) break;
      try {
        revision = await kv.put(key, value, { previousSeq: revision });
        return;
      } catch (error) {
        if (!isOutrun(error)) throw error;
      }
      await read();
    }
    throw new EngineError('BROKER_UNAVAILABLE', `the memory ${key} is written by another engine`, {
      retryable: true,
    });
  };
  return {
    read,
    write(value) {
      const written = turn.then(() => write(value));
      turn = written.catch(toldElsewhere);
      return written;
    },
  };
}
