import { maskedText } from '../access/rights/masked-text.ts';
import type { Principal } from '../access/rights/principal.ts';
import type { RehearsedGroup } from '../definition/rehearsal.ts';
import type { Rehearsals } from './contract/rehearsal.ts';

/** What is decided at hosts that the viewer may not see is not shown. */
export function shownGroup(
  { unmasked, visibleHosts }: Principal,
  group: RehearsedGroup,
): Rehearsals['groups'][number] {
  const isShown = (host: string): boolean => visibleHosts?.includes(host) ?? true;
  const { host, cause } = group;
  const places = group.places
    .filter(({ to }) => to.length === 0 || to.some(isShown))
    .map((one) => ({ ...one, to: one.to.filter(isShown) }));
  const whole = {
    ...group,
    to: group.to.filter(isShown),
    went: group.went?.filter(isShown),
    sample: [...group.sample],
    places,
  };
  if (host !== undefined && !isShown(host))
    return { ...whole, host: undefined, code: undefined, cause: undefined, places: [] };
  if (cause === undefined || (unmasked && visibleHosts === undefined)) return whole;
  return { ...whole, cause: maskedText(cause) };
}
