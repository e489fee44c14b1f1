import type { FromFhirOptions } from '../../document/fhir/to-v2/from-fhir.ts';
import { HL7_VERSIONS } from '../../document/hl7/dictionary/dictionary.ts';
import type { Given } from '../../expression/given.ts';
import type { DeclaredType } from '../declared-type.ts';
import { readSystems, readZone } from './read-to-fhir.ts';

/** The version of HL7 v2 that is made if the transform's type names none. */
const VERSION = '2.5.1';

/** Reads `fromFhir: R4`, or a block of how; the transform's type says which message is made. */
export function readFromFhir(
  given: Given,
  type: DeclaredType | undefined,
  typeGiven: Given,
): FromFhirOptions | undefined {
  if (given.isAbsent) return undefined;
  const made = kindOf(type, typeGiven);
  if (given.value === 'R4') return { ...made, zone: undefined, systems: {} };
  if (typeof given.value === 'string') {
    given.wrong('fromFhir must be R4: HL7 maps v2 to no other version of FHIR.');
    return undefined;
  }
  given.block('fromFhir', ['version', 'zone', 'systems']);
  const version = given.at('version');
  if (version.value !== 'R4') {
    version.wrong('version must be R4: HL7 maps v2 to no other version of FHIR.');
  }
  return {
    ...made,
    zone: readZone(given.at('zone')),
    systems: readSystems(given.at('systems')),
  };
}

function kindOf(
  type: DeclaredType | undefined,
  given: Given,
): Pick<FromFhirOptions, 'kind' | 'version'> {
  if (given.isAbsent) return { kind: undefined, version: VERSION };
  const { message = '', event = '', version = VERSION } = type?.hl7 ?? {};
  if ((message !== 'ADT' && message !== 'ORU') || !HL7_VERSIONS.some((one) => one === version)) {
    given.wrong(
      'fromFhir makes ADT and ORU: type must be one of them, such as ADT_A08, ADT:2.4 (the event by the content) or ORU_R01:2.5.1.',
    );
  }
  return { kind: { message, event }, version };
}
