import { setting } from 'waybill/adapter';
import type { FhirVersion } from 'waybill/document';

/** How media types name a version: `application/fhir+json; fhirVersion=5.0`. */
const IN_TYPES: Readonly<Record<FhirVersion, string>> = { R4: '4.0', R4B: '4.3', R5: '5.0' };

/** What every version of FHIR in JSON is, and in XML. */
const JSON_TYPE = 'application/fhir+json';
const XML_TYPE = 'application/fhir+xml';

const CHOICES = { R4: '4.0.1', R4B: '4.3.0', R5: '5.0.0' } as const;

/** The version that is served. */
export const servedVersion = setting.choice(CHOICES, {
  help: 'The version of FHIR that is served: by its definitions resources are checked, and callers who ask for another one by the parameter fhirVersion are refused.',
  default: 'R4',
});

/** The version that a server is asked in. */
export const askedVersion = setting.optional(
  setting.choice(CHOICES, {
    help: 'The version of FHIR of the server, if it has several: it is named by the parameter fhirVersion of media types, and try compares it with what the server says.',
    advanced: true,
    default: 'R4',
  }),
);

/** The media type of a resource in JSON; without the version it is R4, which everybody takes for granted. */
export const fhirType = (version: FhirVersion): string =>
  version === 'R4' ? JSON_TYPE : `${JSON_TYPE}; fhirVersion=${IN_TYPES[version]}`;

/** The media types of what is asked for and sent, with the version if one is set. */
export function askedTypes(version: FhirVersion | undefined): {
  readonly json: string;
  readonly xml: string;
} {
  const more = version === undefined ? '' : `; fhirVersion=${IN_TYPES[version]}`;
  return { json: `${JSON_TYPE}${more}`, xml: `${XML_TYPE}${more}` };
}

/** Whether what a server says of itself (`4.0.1`) is the version. */
export const isOfVersion = (number: string, version: FhirVersion): boolean =>
  number.startsWith(`${IN_TYPES[version]}.`);

/** Whether a header (`Accept`, `Content-Type`) permits the version: one of its types names it, or none. */
export function permitsVersion(header: string | undefined, version: FhirVersion): boolean {
  if (header === undefined) return true;
  return header.split(',').some((type) => {
    const [, named] = /;\s*fhirVersion\s*=\s*"?([\w.]+)/i.exec(type) ?? [];
    return named === undefined || named === IN_TYPES[version];
  });
}
