import type { SharedAddress } from '../../adapter/adapter.ts';
import type { Address } from '../../adapter/setting.ts';
import type { Definition, ServiceDefinition } from '../definition.ts';
import type { Place } from '../place.ts';
import { type Problem, type Problems, problemList } from '../problem.ts';

interface Listener {
  readonly production: string;
  readonly service: string;
  readonly address: Address;
  /** What its adapter says about sharing; undefined if each service needs an address of its own. */
  readonly sharing: SharedAddress | undefined;
  readonly place: Place;
}

/** Why two services cannot both listen; the problem is reported for the later one. */
interface Clash {
  readonly what: string;
  readonly remedy: string;
}

/**
 * Finds addresses that two services cannot both listen on, over all given productions: those of one
 * machine can be checked together. Port 0 takes a free port. The later of the two is reported, with
 * the place of the other.
 */
export async function portProblems(definitions: readonly Definition[]): Promise<Problem[]> {
  const problems = problemList();
  const listeners: Listener[] = [];
  for (const definition of definitions) {
    for (const service of definition.services.values()) {
      const listener = await listenerOf(definition, service);
      if (listener === undefined) continue;
      const [clash] = listeners.flatMap((other) => clashOf(listener, other) ?? []);
      if (clash !== undefined) report(listener, clash, problems);
      listeners.push(listener);
    }
  }
  return problems.list();
}

/** In all adapters, `listen` is the address a service listens on. */
async function listenerOf(
  definition: Definition,
  { name, adapter, settings, place }: ServiceDefinition,
): Promise<Listener | undefined> {
  const { listen } = settings;
  const { listen: declared } = adapter.settings;
  if (declared?.kind !== 'address' || listen === undefined) return undefined;
  return {
    production: definition.name,
    service: name,
    address: listen as Address,
    sharing: await adapter.sharing?.(settings),
    place: definition.placeOf(['services', name, 'settings', 'listen']) ?? place,
  };
}

const ANYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::', '*']);

function meets(a: Address, b: Address): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || ANYWHERE.has(a.host) || ANYWHERE.has(b.host);
}

function clashOf(listener: Listener, other: Listener): Clash | undefined {
  const { address, production } = listener;
  if (!meets(address, other.address)) return undefined;
  const of = other.production === production ? '' : ` of the production ${other.production}`;
  const who = `${other.service}${of} (${other.place.file}:${other.place.line})`;
  const [one, two] = [listener.sharing, other.sharing];
  const isShared =
    one !== undefined &&
    one.family === two?.family &&
    of === '' &&
    address.host === other.address.host;
  if (!isShared) {
    const what = `${who} already listens on port ${address.port}`;
    return { what, remedy: 'Give one of them another port.' };
  }
  if (one.common.value !== two.common.value) {
    const what = `${who} listens on port ${address.port} with other ${one.common.name}`;
    return { what, remedy: `Give both the same ${one.common.name}, or another port.` };
  }
  const same = one.takes.find((taken) => two.takes.includes(taken));
  if (same === undefined) return undefined;
  const what = `${who} already answers ${same} on port ${address.port}`;
  return { what, remedy: 'Give one of them another path, method or port.' };
}

function report({ service, place }: Listener, { what, remedy }: Clash, problems: Problems): void {
  problems.error(place, `services.${service}.settings.listen`, what, remedy);
}
