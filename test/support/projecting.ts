import type { Broker } from '../../src/broker/broker.ts';
import { streamReader } from '../../src/broker/stream-reader.ts';

/** Reads every stream like the operator plane, and keeps nothing, so that settled messages may be removed. */
export function readAll(broker: Broker): AsyncDisposable {
  const reader = streamReader(broker, { linger: 10 });
  const reading = (async () => {
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      batch.acknowledge();
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      await reader.close();
      await reading;
    },
  };
}
