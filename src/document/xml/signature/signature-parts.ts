import { attributeOf, childOf, childrenOf, within } from '../elements.ts';
import type { XmlElement } from '../tree.ts';
import { EXCLUSIVE, SIGNATURE } from './algorithms.ts';
import { SecurityProblem } from './security-problem.ts';

export const mismatch = (): SecurityProblem =>
  new SecurityProblem('FailedCheck', 'the signature does not fit what it is for');

/** The only child of that name. */
export function only(parent: XmlElement, local: string): XmlElement {
  const [first, ...more] = childrenOf(parent, SIGNATURE, local);
  if (first !== undefined && more.length === 0) return first;
  throw new SecurityProblem('InvalidSecurity', `the signature has not exactly one ${local}`);
}

/** The algorithm of a child. Throws if it is not an accepted one. */
export function algorithmOf(
  parent: XmlElement,
  local: string,
  isTaken: (algorithm: string) => boolean,
): string {
  const algorithm = attributeOf(only(parent, local), 'Algorithm') ?? '';
  if (isTaken(algorithm)) return algorithm;
  const name = /[^#/]*$/.exec(algorithm)?.[0].replaceAll(/[^\w-]/g, '') ?? '';
  throw new SecurityProblem(
    'UnsupportedAlgorithm',
    `${name} is not accepted; sign with SHA-256 or longer and exclusive canonicalisation`,
  );
}

/** A child with the only accepted canonicalisation. */
export function exclusive(parent: XmlElement, local: string): XmlElement {
  algorithmOf(parent, local, (algorithm) => algorithm === EXCLUSIVE);
  return only(parent, local);
}

const MOST_PREFIXES = 100;

/** The prefixes of its `InclusiveNamespaces`. */
export function prefixesIn(method: XmlElement): readonly string[] {
  const list = childOf(method, EXCLUSIVE, 'InclusiveNamespaces');
  const prefixes = (list && attributeOf(list, 'PrefixList'))?.split(/\s+/) ?? [];
  if (prefixes.length > MOST_PREFIXES) {
    throw new SecurityProblem('InvalidSecurity', `it lists more than ${MOST_PREFIXES} prefixes`);
  }
  return prefixes.filter((prefix) => prefix !== '');
}

/** All elements with an id, whatever kind of id it is. */
export function identified(root: XmlElement): ReadonlyMap<string, readonly XmlElement[]> {
  const found = new Map<string, XmlElement[]>();
  for (const element of within(root)) {
    const ids = element.attributes.filter(({ local }) => local.toLowerCase() === 'id');
    for (const { value } of new Map(ids.map((one) => [one.value, one])).values()) {
      const same = found.get(value);
      if (same === undefined) found.set(value, [element]);
      else same.push(element);
    }
  }
  return found;
}
