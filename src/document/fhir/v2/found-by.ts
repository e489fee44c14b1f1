import type { Concept } from './codes.ts';
import type { Resource } from './json.ts';

/**
 * By what each resource is found. Several orders or reports may have one number: they are told apart by their code and
 * their other numbers, since with one search for two of them a server would refuse both, or keep one.
 */
export function criteriaOf(resources: readonly Resource[]): ReadonlyMap<Resource, string> {
  const found = new Map<Resource, string>();
  for (const same of Map.groupBy(resources, ({ resourceType }) => resourceType).values()) {
    let rest = same.map((resource) => ({ resource, searches: searchesFor(resource) }));
    for (let level = 0; rest.some(({ searches }) => level < searches.length); level += 1) {
      for (const { resource, search } of alone(rest, level)) found.set(resource, search);
      rest = rest.filter(({ resource }) => !found.has(resource));
    }
  }
  return found;
}

interface Searched {
  readonly resource: Resource;
  readonly searches: readonly string[];
}

/** Those whose search of this level, or else the last one, no other has. */
const alone = (
  all: readonly Searched[],
  level: number,
): { readonly resource: Resource; readonly search: string }[] =>
  [...Map.groupBy(all, ({ searches }) => searches[level] ?? searches.at(-1))].flatMap(
    ([search, [one, ...more]]) =>
      search === undefined || one === undefined || more.length > 0
        ? []
        : [{ resource: one.resource, search }],
  );

/** Searches for a resource, the narrowest last. */
function searchesFor(resource: Resource): readonly string[] {
  const { resourceType, identifier, masterIdentifier, code } = resource;
  const isReport = resourceType === 'DiagnosticReport';
  const isPerson = resourceType === 'Patient' || resourceType === 'RelatedPerson';
  const all = [masterIdentifier, ...(Array.isArray(identifier) ? identifier : [])].flatMap((one) =>
    isPerson && isShared(one) ? [] : (tokenOf(one, 'value') ?? []),
  );
  // the number of who makes the report: an order may have several
  const [first, ...others] = isReport ? [...all.slice(1), ...all.slice(0, 1)] : all;
  if (first === undefined) return [];
  const own = `identifier=${first}`;
  const [coding] = (Object(code) as { coding?: readonly unknown[] }).coding ?? [];
  const coded = tokenOf(coding, 'code');
  const withCode = coded === undefined ? own : `${own}&code=${coded}`;
  const whole = [withCode, ...others.map((one) => `identifier=${one}`)].join('&');
  return [...new Set(isReport ? [withCode, whole] : [own, withCode, whole])];
}

/** Numbers that several people may have: of social security, where 999999999 stands for unknown, and of accounts. */
function isShared(identifier: unknown): boolean {
  const { type } = Object(identifier) as { readonly type?: Concept };
  return type?.coding?.some(({ code }) => code === 'SS' || code === 'AN') === true;
}

function tokenOf(of: unknown, key: 'value' | 'code'): string | undefined {
  const { system, [key]: value } = Object(of) as Record<string, unknown>;
  if (typeof system !== 'string' || typeof value !== 'string') return undefined;
  return `${encodeURIComponent(system)}|${encodeURIComponent(value)}`;
}
