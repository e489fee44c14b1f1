import { codesOf, SYSTEMS } from '../v2/codes.ts';
import { BACK_CODES } from './map/back-codes.ts';

const chosen = new Map(
  BACK_CODES.split(/^= /m)
    .slice(1)
    .map((block) => {
      const [name = '', ...lines] = block.trim().split('\n');
      const pairs = lines
        .join(' ')
        .split(' ')
        .map((pair) => pair.split('='));
      return [name, new Map(pairs.map(([fhir = '', v2 = '']) => [fhir, v2]))] as const;
    }),
);

/** What a code of FHIR is in v2 by a table; undefined if there is nothing like it. */
export function backCode(table: string, code: string): string | undefined {
  const own = chosen.get(table)?.get(code);
  if (own !== undefined) return own === '' ? undefined : own;
  return codesOf(table).find(([, fhir]) => fhir.code === code)?.[0];
}

/** The name that HL7 table 0396 has for a code system, the usual one first. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(SYSTEMS)
    .toReversed()
    .map(([name, uri]) => [uri, name] as const),
  ['http://hl7.org/fhir/sid/icd-9-cm', 'I9C'],
]);

/** A code system as v2 names it. `own`: names by their URIs, as the production gives them. */
export function systemName(uri: string, own: ReadonlyMap<string, string>): string {
  const table = /^http:\/\/terminology\.hl7\.org\/CodeSystem\/v2-(\d{4})$/.exec(uri)?.[1];
  return (
    own.get(uri) ??
    NAMES.get(uri) ??
    (table === undefined ? undefined : `HL7${table}`) ??
    objectId(uri) ??
    localName(uri) ??
    uri
  );
}

export const objectId = (uri: string): string | undefined =>
  /^urn:oid:([012](?:\.\d+)+)$/.exec(uri)?.[1];

/** The name in `urn:id:NAME`. */
export function localName(uri: string): string | undefined {
  const name = /^urn:id:(.+)$/.exec(uri)?.[1];
  if (name === undefined) return undefined;
  try {
    return decodeURIComponent(name);
  } catch {
    // URIError: it is not percent-encoded
    return name;
  }
}
