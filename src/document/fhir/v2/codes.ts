import { CODE_TABLES, CONCEPTS } from './map/code-tables.ts';

export interface Coding {
  system?: string;
  version?: string;
  code?: string;
  display?: string;
}

export interface Concept {
  coding?: Coding[];
  text?: string;
}

interface CodeTable {
  readonly system: string | undefined;
  readonly codes: ReadonlyMap<string, Coding>;
}

const tables = new Map<string, CodeTable>(
  CODE_TABLES.split(/^= /m)
    .slice(1)
    .map((block) => {
      const [head = '', ...lines] = block.split('\n');
      const [name = '', system] = head.split(' ');
      const pairs = lines
        .join(' ')
        .split(' ')
        .filter((pair) => pair !== '');
      return [name, { system, codes: new Map(pairs.map((pair) => readCode(pair, system))) }];
    }),
);

/** `E=EMER:emergency`; a code may itself be `<`. */
function readCode(pair: string, system: string | undefined): [string, Coding] {
  const cut = pair.indexOf('=', 1);
  const [code = '', display] = pair.slice(cut + 1).split(':');
  return [
    pair.slice(0, cut),
    {
      ...(system !== undefined && { system }),
      code,
      ...(display !== undefined && { display: display.replaceAll('_', ' ') }),
    },
  ];
}

/** What a code of v2 is in FHIR by a table; undefined if the table does not have it. */
export function codeIn(table: string, code: string): Coding | undefined {
  const { codes } = tables.get(table) ?? {};
  return codes?.get(code) ?? codes?.get(code.toUpperCase());
}

/** Every pair of a table, in its order; none if there is no such table. */
export const codesOf = (table: string): readonly (readonly [v2: string, fhir: Coding])[] => [
  ...(tables.get(table)?.codes ?? []),
];

/** The code system of FHIR that a table has codes of. */
export const systemOfTable = (table: string): string | undefined => tables.get(table)?.system;

export const isCodeTable = (name: string): boolean => tables.has(name);

const concepts = new Map(
  CONCEPTS.trim()
    .split('\n')
    .map((line) => {
      const [name = '', system = '', code = '', ...display] = line.split(' ');
      return [name, { system, code, display: display.join(' ') }] as const;
    }),
);

/** A fixed concept that the tables of rows name. */
export function fixedConcept(name: string): Concept {
  const coding = concepts.get(name);
  if (coding === undefined) throw new Error(`no concept: ${name}`);
  return { coding: [{ ...coding }] };
}

/** The code systems that HL7 table 0396 names, with the URI that FHIR gives them. */
export const SYSTEMS: Readonly<Record<string, string>> = {
  LN: 'http://loinc.org',
  LNC: 'http://loinc.org',
  LOINC: 'http://loinc.org',
  SCT: 'http://snomed.info/sct',
  SCT2: 'http://snomed.info/sct',
  SNM: 'http://snomed.info/sct',
  SNOMED: 'http://snomed.info/sct',
  'SNOMED-CT': 'http://snomed.info/sct',
  UCUM: 'http://unitsofmeasure.org',
  I9: 'http://hl7.org/fhir/sid/icd-9-cm',
  I9C: 'http://hl7.org/fhir/sid/icd-9-cm',
  I9CDX: 'http://hl7.org/fhir/sid/icd-9-cm',
  ICD9: 'http://hl7.org/fhir/sid/icd-9-cm',
  I10: 'http://hl7.org/fhir/sid/icd-10',
  I10C: 'http://hl7.org/fhir/sid/icd-10-cm',
  ICD10: 'http://hl7.org/fhir/sid/icd-10',
  'ICD-10': 'http://hl7.org/fhir/sid/icd-10',
  'ICD-10-CM': 'http://hl7.org/fhir/sid/icd-10-cm',
  ICD10CM: 'http://hl7.org/fhir/sid/icd-10-cm',
  I10P: 'http://hl7.org/fhir/sid/icd-10-pcs',
  C4: 'http://www.ama-assn.org/go/cpt',
  CPT: 'http://www.ama-assn.org/go/cpt',
  CVX: 'http://hl7.org/fhir/sid/cvx',
  MVX: 'http://hl7.org/fhir/sid/mvx',
  NDC: 'http://hl7.org/fhir/sid/ndc',
  RXNORM: 'http://www.nlm.nih.gov/research/umls/rxnorm',
  CDCREC: 'urn:oid:2.16.840.1.113883.6.238',
  ISO3166_1: 'urn:iso:std:iso:3166',
  ISO639: 'urn:ietf:bcp:47',
  NUCC: 'http://nucc.org/provider-taxonomy',
  NUCCPT: 'http://nucc.org/provider-taxonomy',
};

/** The URI of a code system as v2 names it: by the production, by HL7, otherwise `urn:id:` and the name. */
export function systemUri(name: string, own: Readonly<Record<string, string>>): string | undefined {
  if (name === '') return undefined;
  const given = own[name];
  if (given !== undefined) return given;
  const table = /^(?:HL7|V2-)?(\d{4})$/i.exec(name)?.[1];
  if (table !== undefined) return tableUri(table);
  const known = SYSTEMS[name] ?? SYSTEMS[name.toUpperCase()];
  if (known !== undefined) return known;
  if (/^[012](?:\.\d+)+$/.test(name)) return `urn:oid:${name}`;
  return /^[a-z][\w+.-]*:\S+$/i.test(name) ? name : localUri(name);
}

export const tableUri = (table: string): string =>
  `http://terminology.hl7.org/CodeSystem/v2-${table}`;

/** A name that only the hospital knows, as a URI. */
export const localUri = (name: string): string => `urn:id:${encodeURIComponent(name)}`;
