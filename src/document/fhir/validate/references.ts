import { isElement } from '../v2/json.ts';
import { kindOfType } from './element-types.ts';
import type { FhirFinding } from './finding.ts';
import { elementsIn } from './walk.ts';

/**
 * References that lead nowhere (within a Bundle, `urn:uuid:…`) and those that lead to a resource of
 * a type that may not stand there.
 */
export function unresolvedReferences(resource: Readonly<Record<string, unknown>>): FhirFinding[] {
  const types = entryTypes(resource);
  return [...elementsIn(resource)].flatMap(({ type, value: { reference }, targets, at }) => {
    if (type !== 'Reference' || typeof reference !== 'string') return [];
    const text = problemOf(typeOf(reference, types), targets);
    if (text === undefined) return [];
    const code = text === NOWHERE ? 'not-found' : 'structure';
    return [{ severity: 'error', code, path: at, text }];
  });
}

const NOWHERE = 'leads to no entry of the Bundle';

function problemOf(found: string | undefined, targets: readonly string[]): string | undefined {
  if (found === 'nowhere') return NOWHERE;
  if (found === undefined || targets.length === 0 || targets.includes(found)) return undefined;
  return `leads to ${found}, and must lead to ${targets.join(' or ')}`;
}

/** The type of each entry by its full URL. */
function entryTypes({
  resourceType,
  entry,
}: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const entries: readonly unknown[] =
    resourceType === 'Bundle' && Array.isArray(entry) ? entry : [];
  return new Map(
    entries.flatMap((one) => {
      const { fullUrl, resource } = isElement(one) ? one : {};
      const type = isElement(resource) ? resource['resourceType'] : undefined;
      return typeof fullUrl === 'string' && typeof type === 'string' ? [[fullUrl, type]] : [];
    }),
  );
}

function typeOf(reference: string, types: ReadonlyMap<string, string>): string | undefined {
  const entry = types.get(reference);
  if (entry !== undefined) return entry;
  if (/^urn:(?:uuid|oid):/.test(reference)) return types.size === 0 ? undefined : 'nowhere';
  const [, type] =
    /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z\d\-.]{1,64}(?:\/_history\/.+)?$/.exec(reference) ?? [];
  return type !== undefined && kindOfType(type) === 'resource' ? type : undefined;
}
