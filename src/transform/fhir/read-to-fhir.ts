import type { ToFhirOptions } from '../../document/fhir/v2/to-fhir.ts';
import type { Given } from '../../expression/given.ts';
import { isZone } from '../../time/zone.ts';

const BUNDLES = ['transaction', 'message', 'collection'] as const;

/** Reads `toFhir: R4`, or a block of how. */
export function readToFhir(given: Given): ToFhirOptions | undefined {
  if (given.isAbsent) return undefined;
  if (given.value === 'R4')
    return { bundle: 'transaction', update: undefined, zone: undefined, systems: {} };
  if (typeof given.value === 'string') {
    given.wrong('toFhir must be R4: HL7 maps v2 to no other version of FHIR.');
    return undefined;
  }
  given.block('toFhir', ['version', 'bundle', 'update', 'zone', 'systems']);
  const version = given.at('version');
  if (version.value !== 'R4') {
    version.wrong('version must be R4: HL7 maps v2 to no other version of FHIR.');
  }
  return {
    bundle: readBundle(given.at('bundle')),
    update: readUpdate(given.at('update')),
    zone: readZone(given.at('zone')),
    systems: readSystems(given.at('systems')),
  };
}

function readBundle(given: Given): ToFhirOptions['bundle'] {
  if (given.isAbsent) return 'transaction';
  const found = BUNDLES.find((kind) => kind === given.value);
  if (found === undefined) given.wrong(`bundle must be ${BUNDLES.join(', ')}.`);
  return found ?? 'transaction';
}

function readUpdate(given: Given): ToFhirOptions['update'] {
  if (given.isAbsent) return undefined;
  const types = Array.isArray(given.value) ? given.value : undefined;
  if (types?.every((type) => typeof type === 'string' && /^[A-Z][A-Za-z]+$/.test(type)) === true) {
    return types.map(String);
  }
  given.wrong('update must be a list of resource types, such as [Patient, Encounter].');
  return undefined;
}

export function readZone(given: Given): string | undefined {
  if (given.isAbsent) return undefined;
  const zone = given.text('zone');
  if (zone === undefined || isZone(zone)) return zone;
  given.wrong('zone must be the name of a time zone, such as Europe/Berlin.');
  return undefined;
}

/** `{ MAIN: "https://main.hospital.example/mrn" }` */
export function readSystems(given: Given): Readonly<Record<string, string>> {
  if (given.isAbsent) return {};
  const systems: [string, string][] = [];
  for (const [name, value] of given.mapping('systems') ?? []) {
    const uri = value.text('A system');
    if (uri === undefined) continue;
    if (/^[a-z][\w+.-]*:\S+$/i.test(uri)) systems.push([name, uri]);
    else value.wrong('A system must be a URI, such as urn:oid:1.2.3 or https://….');
  }
  return Object.fromEntries(systems);
}
