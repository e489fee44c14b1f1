import type { FoundRecord, Records } from '../adapter/records.ts';
import type { Keyed, KeyedPlace } from './keyed.ts';

/** The records of a realm; it belongs to the production, so renaming a host keeps them. */
export function records(keyed: Keyed, realm: string): Records {
  const start = `${realm}/`;
  const placeOf = (key: string): KeyedPlace => ({
    kind: 'record',
    host: 'production',
    key: `${start}${key}`,
  });
  return {
    read: (key) => keyed.read(placeOf(key)),
    replace: (key, { revision }, value) =>
      keyed.replace(placeOf(key), { value: undefined, revision }, value),
    async *all<Value>(prefix: string, signal: AbortSignal): AsyncGenerator<FoundRecord<Value>> {
      for await (const { place, value, revision } of keyed.all<Value>('record', signal)) {
        if (!place.key.startsWith(`${start}${prefix}`)) continue;
        yield { key: place.key.slice(start.length), value, revision };
      }
    },
  };
}
