/** The media type of FHIR in JSON. */
export const FHIR_JSON = 'application/fhir+json';
