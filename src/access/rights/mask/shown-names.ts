/**
 * Names of JSON properties and XML elements and attributes whose values say what a document is and
 * what happened to it, but not who it is about; in lower case, without `-` and `_`. All others are
 * hidden, including unknown ones.
 */
export const SHOWN_NAMES: Readonly<Record<string, Shape>> = Object.fromEntries([
  ...words(
    'word',
    'resourceType status intent priority use rank mode severity code comparator unit units valueSet',
    'type typeCode classCode moodCode nullFlavor statusCode languageCode language clinicalStatus',
    'verificationStatus criticality gender administrativeGenderCode active kind versionCode realmCode',
    'eventCoding method resourceVersion fhirVersion acceptAckCode processingCode processingModeCode',
    'operator inversionInd contextConductionInd determinerCode event mediaType contentType relationship',
  ),
  ...words(
    'system',
    'system codeSystem codeSystemName codeSystemVersion url profile root schemaLocation version fhirUrl',
  ),
  ...words(
    'time',
    'timestamp lastUpdated issued authoredOn recorded recordedDate effectiveDateTime effectiveInstant',
    'date created sent received effectiveTime creationTime start end low high time',
  ),
  ...words('number', 'total count size attempts length offset setId sequence'),
]);

/** What a shown value must look like: a short word, a code system, a time, a number. */
export type Shape = keyof typeof SHAPES;

const SHAPES = {
  word: /^(?!.*\d{6})[\w.:+*/-]{1,40}$/,
  system:
    /^(?:urn:oid:)?[012](?:\.\d{1,20}){2,}$|^(?!.*\d{5})(?:https?:\/\/|urn:hl7-org:)[\w./:#-]{1,120}$|^(?!.*\d{6})[\w .-]{1,40}$/,
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?$|^\d{12}(?:\d\d)?(?:\.\d{1,4})?(?:[+-]\d{4})?$/,
  number: /^-?\d{1,9}(?:\.\d{1,6})?$/,
} as const;

/** Names below which everything is hidden, whatever it is called: people and free text. */
export const PERSON_NAMES: ReadonlySet<string> = new Set(
  words(
    'word',
    'identifier name family given birthDate birthTime deceasedDateTime telecom address addr contact',
    'photo text diagnostics div mrn patientId patientName firstName lastName dateOfBirth dob ssn phone',
    'email display reference id fullUrl subject patient recordTarget patientRole assignedPerson person',
    'guardian participant informant author performer practitioner relatedPerson link note comment',
    'description title attachment data communication',
  ).map(([name]) => name),
);

/** Below `identifier` and the like these still show the kind of identifier. */
export const KIND_NAMES: ReadonlySet<string> = new Set(['use', 'system', 'root', 'nullflavor']);

/** How names are compared: `Patient_Name` and `patientname` are the same. */
export function plainName(name: string): string {
  return name
    .slice(name.lastIndexOf(':') + 1)
    .toLowerCase()
    .replaceAll(/[^a-z\d]/g, '');
}

export function isShownAs(shape: Shape | undefined, value: string): boolean {
  return shape !== undefined && SHAPES[shape].test(value);
}

/** Whether it is a code with its code system. */
export function isCodeOf(system: unknown, code: string): boolean {
  return typeof system === 'string' && isShownAs('system', system) && /^[\w.-]{1,20}$/.test(code);
}

function words(shape: Shape, ...lines: readonly string[]): [name: string, shape: Shape][] {
  return lines
    .join(' ')
    .split(' ')
    .map((name) => [name.toLowerCase(), shape]);
}
