import type { KV } from '@nats-io/kv';
import { EngineError } from '../error/engine-error.ts';

/** Milliseconds after which the holder of a name is presumed dead. */
export const DEAD = 60_000;

/** Whether the order is new. Rejects if that cannot be determined. */
export async function isFirst(kv: KV, order: string, value = '{}'): Promise<boolean> {
  try {
    await kv.create(order, value);
    return true;
  } catch (error) {
    const known = await kv.get(order);
    if (known === null) throw error;
    return false;
  }
}

export const uncertain = (): EngineError =>
  new EngineError(
    'ORDER_UNCERTAIN',
    'this order was started before, and it is not known whether it was carried out: check before giving it again',
  );
