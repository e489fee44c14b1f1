import type { Definition, OperationDefinition, ServiceDefinition } from './definition.ts';
import type { Place } from './place.ts';

/** A file of certificates or revocation lists that a host relies on. */
export interface TrustedFile {
  readonly host: string;
  readonly kind: 'authority' | 'revocation-list';
  /** Absolute. */
  readonly file: string;
  readonly keys: readonly string[];
  readonly place: Place;
}

const SETTINGS = { trust: 'authority', crl: 'revocation-list' } as const;

/** In all adapters, these are the files under `tls: { trust: …, crl: … }`. */
export function trustedFiles(definition: Definition): TrustedFile[] {
  const { services, operations } = definition;
  return [
    ...[...services.values()].flatMap((host) => filesOf(definition, 'services', host)),
    ...[...operations.values()].flatMap((host) => filesOf(definition, 'operations', host)),
  ];
}

function filesOf(
  definition: Definition,
  section: string,
  { name, settings, place }: ServiceDefinition | OperationDefinition,
): TrustedFile[] {
  const tls = (settings['tls'] ?? {}) as Readonly<Record<string, unknown>>;
  return (['trust', 'crl'] as const).flatMap((setting) => {
    const file = tls[setting];
    if (typeof file !== 'string') return [];
    const keys = [section, name, 'settings', 'tls', setting];
    const at = definition.placeOf(keys) ?? place;
    return [{ host: name, kind: SETTINGS[setting], file, keys, place: at }];
  });
}
