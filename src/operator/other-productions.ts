import type { Broker } from '../broker/broker.ts';
import { names } from '../broker/names.ts';
import { productionsOf } from '../broker/productions.ts';
import { askRelayed, type Relayed } from '../control/relay.ts';
import type { RelayedRequest } from '../control/relay-frames.ts';
import { remembered } from '../time/remembered.ts';
import { type Engines, engines } from './engines.ts';

/** The other productions of this NATS, as far as this console shows them. */
export interface OtherProductions {
  /** Their names, also of those that do not run now. */
  all(): Promise<readonly string[]>;
  /** Whether the console shows a production of that name, if there is one. */
  shows(production: string): boolean;
  /** Asks its operator plane; throws BROKER_UNAVAILABLE if that does not answer. */
  ask(
    production: string,
    request: RelayedRequest,
    options: { readonly body?: Uint8Array | undefined; readonly signal: AbortSignal },
  ): Promise<Relayed>;
  /** Its engines, which answer even while its operator plane does not. */
  engines(production: string): Engines;
}

const FRESH = 5_000;

/** @param shown names from `console.yaml`, `*` for all */
export function otherProductions(broker: Broker, shown: readonly string[]): OtherProductions {
  const isOther = (name: string): boolean =>
    name !== broker.production && (shown.includes('*') || shown.includes(name));
  const found = remembered(FRESH, () => productionsOf(broker));
  const reached = new Map<string, Engines>();
  return {
    all: async () => (shown.length === 0 ? [] : (await found.get()).filter(isOther)),
    shows: isOther,
    ask: (production, request, options) => askRelayed(broker, production, request, options),
    engines(production) {
      const known =
        reached.get(production) ?? engines({ ...broker, production, names: names(production) });
      reached.set(production, known);
      return known;
    },
  };
}
