import type { HostDescription, ProductionDescription } from '../control/production-description.ts';
import type { FoundHost } from './contract/host.ts';

/** The most properties of one host, and the most hosts, that are named. */
const PROPERTIES = 3;
const HOSTS = 20;

/**
 * Hosts of which any property contains a text: an address, a folder, a tag, a comment, an adapter, a rule's condition.
 * Settings contain no secret.
 */
export function foundHosts(
  { hosts }: Pick<ProductionDescription, 'hosts'>,
  text: string,
  visible: readonly string[] | undefined,
): FoundHost[] {
  const wanted = text.toLowerCase();
  return hosts
    .filter(({ name }) => visible?.includes(name) ?? true)
    .map((host) => ({
      host: host.name,
      kind: host.kind,
      found: propertiesOf(host)
        .filter(({ value }) => value.toLowerCase().includes(wanted))
        .slice(0, PROPERTIES),
    }))
    .filter(({ found }) => found.length > 0)
    .slice(0, HOSTS);
}

interface Property {
  readonly path: string;
  readonly value: string;
}

function propertiesOf(host: HostDescription): Property[] {
  const { name, title, comment, adapter, tags, settings, rules } = host;
  const own: readonly (readonly [string, unknown])[] = [
    ['name', name],
    ['title', title],
    ['comment', comment],
    ['adapter', adapter],
    ...tags.map((tag) => ['tags', tag] as const),
    ...settings.filter(({ written }) => written).map(({ path, value }) => [path, value] as const),
    ...rules.map(({ when }) => ['when', when] as const),
  ];
  return own.flatMap(([path, value]) =>
    value === undefined || value === null
      ? []
      : [{ path, value: typeof value === 'string' ? value : JSON.stringify(value) }],
  );
}
