import type { Address } from '../../adapter/setting.ts';
import type { Definition, Place, ServiceDefinition } from '../definition.ts';
import { type Problem, type Problems, problemList } from '../problem.ts';

interface Listener {
  readonly production: string;
  readonly service: string;
  readonly address: Address;
  /** The adapter's type, where its services may share an address; undefined where each needs its own. */
  readonly sharing: string | undefined;
  readonly place: Place;
}

/**
 * Ports on which two services would listen, over all productions given: those of one machine can be
 * checked together. Port 0 takes a free one. The later of the two is reported.
 */
export function portProblems(definitions: readonly Definition[]): Problem[] {
  const problems = problemList();
  const listeners: Listener[] = [];
  for (const definition of definitions) {
    for (const service of definition.services.values()) {
      const listener = listenerOf(definition, service);
      if (listener === undefined) continue;
      const other = listeners.find(
        (one) => meets(one.address, listener.address) && !mayShare(one, listener),
      );
      if (other !== undefined) reportPort(listener, other, problems);
      listeners.push(listener);
    }
  }
  return problems.list();
}

/** By a rule for all adapters, `listen` is the address a service listens on. */
function listenerOf(definition: Definition, service: ServiceDefinition): Listener | undefined {
  const { listen } = service.settings;
  const { listen: declared } = service.adapter.settings;
  if (declared?.kind !== 'address' || listen === undefined) return undefined;
  const keys = ['services', service.name, 'settings', 'listen'];
  return {
    production: definition.name,
    service: service.name,
    address: listen as Address,
    sharing: service.adapter.sharing === true ? service.adapter.type : undefined,
    place: definition.placeOf(keys) ?? service.place,
  };
}

const ANYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::', '*']);

function meets(a: Address, b: Address): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || ANYWHERE.has(a.host) || ANYWHERE.has(b.host);
}

/** Services of one production, with an adapter that tells them apart by more than the port. */
function mayShare(a: Listener, b: Listener): boolean {
  return (
    a.sharing !== undefined &&
    a.sharing === b.sharing &&
    a.production === b.production &&
    a.address.host === b.address.host
  );
}

function reportPort(
  { production, service, address, place }: Listener,
  other: Listener,
  problems: Problems,
): void {
  const where = other.production === production ? '' : ` of the production ${other.production}`;
  problems.error(
    place,
    `services.${service}.settings.listen`,
    `${other.service}${where} listens on port ${address.port} already`,
    'Give one of them another port.',
  );
}
