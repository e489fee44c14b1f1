import type { Definition } from '../definition.ts';
import type { Problems } from '../problem.ts';

/** In all adapters, `launches` names the realm of a service whose people EHRs launch. */
export function checkLaunches(definition: Definition, problems: Problems): void {
  const realms = [...definition.services.values()].flatMap(
    ({ name, adapter, settings }) => adapter.launched?.(settings, name) ?? [],
  );
  for (const { name, settings, place } of definition.operations.values()) {
    const { launches: realm } = settings;
    if (typeof realm !== 'string' || realms.includes(realm)) continue;
    const path = ['operations', name, 'settings', 'launches'];
    const known = realms.length === 0 ? 'Add one.' : `Write ${[...new Set(realms)].join(' or ')}.`;
    problems.error(
      definition.placeOf(path) ?? place,
      path.join('.'),
      `no service with signIn.smart has the realm ${realm}`,
      known,
    );
  }
}
