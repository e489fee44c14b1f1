import type { Definition } from '../definition.ts';
import type { Problems } from '../problem.ts';

/** Who asks EHRs as those whom they launched needs a service that takes launches. */
export function checkLaunches(definition: Definition, problems: Problems): void {
  const realms = [...definition.services.values()].flatMap(
    ({ name, adapter, settings }) => adapter.launched?.(settings, name) ?? [],
  );
  for (const { name, adapter, settings, place } of definition.operations.values()) {
    const realm = adapter.launchesOf?.(settings);
    if (realm === undefined || realms.includes(realm)) continue;
    const setting = Object.keys(settings).filter((one) => settings[one] === realm);
    const path = ['operations', name, 'settings', ...setting.slice(0, 1)];
    const known = realms.length === 0 ? 'Add one.' : `Write ${[...new Set(realms)].join(' or ')}.`;
    problems.error(
      definition.placeOf(path) ?? place,
      path.join('.'),
      `no service with signIn.smart has the realm ${realm}`,
      known,
    );
  }
}
