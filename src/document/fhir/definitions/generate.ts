import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DefinitionFile, Severity, TypeFile } from './definition-file.ts';

/**
 * Makes `r4.json` and its like from FHIR's own definitions (CC0), in a folder:
 *
 *     node --conditions=waybill-source src/document/fhir/definitions/generate.ts R5 FOLDER
 *
 * The folder is `package` of hl7.fhir.r5.core or hl7.fhir.r4b.core (npm), or has profiles-types.json,
 * profiles-resources.json, valuesets.json and v3-codesystems.json of definitions.json.zip (R4).
 *
 * Nothing loads it at run time.
 */

interface Definition {
  readonly resourceType: string;
  readonly url: string;
  readonly id: string;
  readonly name: string;
  readonly fhirVersion?: string;
  readonly kind?: string;
  readonly abstract?: boolean;
  readonly derivation?: string;
  readonly snapshot?: { readonly element: readonly ElementDefinition[] };
  readonly concept?: readonly Concept[];
  readonly compose?: { readonly include: readonly Include[]; readonly exclude?: unknown };
}

interface ElementDefinition {
  readonly path: string;
  readonly min: number;
  readonly max: string;
  readonly type?: readonly { readonly code: string; readonly targetProfile?: readonly string[] }[];
  readonly contentReference?: string;
  readonly binding?: { readonly strength: string; readonly valueSet?: string };
  readonly constraint?: readonly {
    readonly key: string;
    readonly severity: Severity;
    readonly human: string;
    readonly expression?: string;
  }[];
}

interface Concept {
  readonly code: string;
  readonly concept?: readonly Concept[];
}

interface Include {
  readonly system?: string;
  readonly concept?: readonly Concept[];
  readonly filter?: unknown;
  readonly valueSet?: readonly string[];
}

/** What every element or resource has is not repeated, nor rules that are checked otherwise. */
const COMMON = /\.(?:id|extension|modifierExtension)$/;
/** What not every type has itself. */
const OF_TYPE = /^[^.]+\.modifierExtension$/;
const OF_RESOURCES = /^\w+\.(?:meta|implicitRules|language|text|contained)$/;
const OWN_RULES = new Set(['ele-1', 'ext-1', 'dom-6', 'ref-1']);
/** Longer value sets are code systems of their own, such as languages. */
const LONGEST = 400;

function main(version: string, folder: string): void {
  const isPackage = existsSync(join(folder, 'package.json'));
  const file = definitionFile(isPackage ? ofPackage(folder) : ofBundles(folder));
  const lines = Object.entries(file).map(([key, value]) => {
    if (typeof value === 'string') return `"${key}":${JSON.stringify(value)}`;
    const rows = Object.entries(value).map(
      ([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`,
    );
    return `"${key}":{\n${rows.join(',\n')}\n}`;
  });
  const name = `${version.toLowerCase()}.json`;
  writeFileSync(join(import.meta.dirname, name), `{\n${lines.join(',\n')}\n}\n`);
}

function ofBundles(folder: string): Definition[] {
  return ['profiles-types', 'profiles-resources', 'valuesets', 'v3-codesystems'].flatMap((name) => {
    const { entry } = read(join(folder, `${name}.json`)) as { entry: { resource: Definition }[] };
    return entry.map(({ resource }) => resource);
  });
}

function ofPackage(folder: string): Definition[] {
  return globSync('{StructureDefinition,ValueSet,CodeSystem}-*.json', { cwd: folder })
    .toSorted()
    .map((name) => read(join(folder, name)) as Definition);
}

const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

function definitionFile(all: readonly Definition[]): DefinitionFile {
  const structures = all.filter(
    ({ resourceType, derivation, kind }) =>
      resourceType === 'StructureDefinition' && derivation !== 'constraint' && kind !== 'logical',
  );
  const rules: Record<string, [Severity, string, string]> = {};
  const used = new Set<string>();
  const types = structures.map((one) => [one.name, typeFile(one, rules, used)] as const);
  const sets = new Map(all.map((one) => [one.url, one]));
  const values = [...used].toSorted().flatMap((url) => {
    const codes = codesOf(url, sets);
    return codes === undefined || codes.length > LONGEST
      ? []
      : [[nameOf(url), [...new Set(codes)].join(' ')] as const];
  });
  const known = new Set(values.map(([name]) => name));
  return {
    version: structures.find(({ name }) => name === 'Patient')?.fhirVersion ?? '',
    types: Object.fromEntries(types.map(([name, type]) => [name, withKnown(type, known)])),
    rules,
    values: Object.fromEntries(values),
  };
}

/** A binding whose codes are not listed is none. */
function withKnown(type: TypeFile, known: ReadonlySet<string>): TypeFile {
  const elements = Object.entries(type.elements).map(([path, text]) => {
    const [, set = ''] = / =(\S+)$/.exec(text) ?? [];
    return [path, set === '' || known.has(set) ? text : text.replace(/ =\S+$/, '')];
  });
  return { ...type, elements: Object.fromEntries(elements) };
}

function typeFile(
  { name, kind, snapshot }: Definition,
  rules: Record<string, [Severity, string, string]>,
  used: Set<string>,
): TypeFile {
  if (kind === 'primitive-type') return { kind: 'primitive', elements: {} };
  const isResource = kind === 'resource';
  const elements: Record<string, string> = {};
  const own: Record<string, string> = {};
  for (const element of snapshot?.element ?? []) {
    if (isCommon(element.path, isResource)) continue;
    const path = element.path === name ? '' : element.path.slice(name.length + 1);
    const keys = keysOf(element, rules);
    if (keys !== '') own[path] = keys;
    if (path !== '') elements[path] = elementText(element, used);
  }
  const found = Object.keys(own).length > 0 ? { rules: own } : {};
  return { kind: isResource ? 'resource' : 'type', elements, ...found };
}

const isCommon = (path: string, isResource: boolean): boolean =>
  (COMMON.test(path) && (isResource || !OF_TYPE.test(path))) ||
  (isResource && OF_RESOURCES.test(path));

/** The invariants of an element, which are noted. */
function keysOf(
  { path, constraint = [] }: ElementDefinition,
  rules: Record<string, [Severity, string, string]>,
): string {
  const keys: string[] = [];
  for (const { key, severity, expression, human } of constraint) {
    if (OWN_RULES.has(key) || expression === undefined) continue;
    // what an author of the rule wanted to see
    const rule = [severity, expression.replaceAll(/\.trace\([^)]*\)/g, ''), human] as const;
    // FHIR uses some keys (inv-1) for several rules
    const isOther = rules[key] !== undefined && rules[key][1] !== rule[1];
    const own = isOther ? `${key}~${path.split('.')[0]}` : key;
    rules[own] = [...rule];
    keys.push(own);
  }
  return keys.join(' ');
}

function elementText(
  { min, max, type = [], contentReference, binding }: ElementDefinition,
  used: Set<string>,
): string {
  const what =
    contentReference === undefined
      ? [...new Set(type.map(typeText))].join(',')
      : `#${contentReference.replace(/^#\w+\./, '')}`;
  const url = binding?.valueSet?.split('|')[0];
  if (binding?.strength !== 'required' || url === undefined) return `${min}..${max} ${what}`;
  used.add(url);
  return `${min}..${max} ${what} =${nameOf(url)}`;
}

function typeText({
  code,
  targetProfile = [],
}: {
  code: string;
  targetProfile?: readonly string[];
}): string {
  const plain = code.replace('http://hl7.org/fhirpath/System.', '').replace(/^String$/, 'string');
  const targets = targetProfile.map(nameOf).filter((target) => target !== 'Resource');
  const isReference = plain === 'Reference' && targets.length > 0;
  return isReference ? `Reference(${[...new Set(targets)].join('|')})` : plain;
}

const nameOf = (url: string): string => url.split('/').at(-1) ?? url;

/** Every code of a value set; undefined if it is not a list. */
function codesOf(url: string, sets: ReadonlyMap<string, Definition>): string[] | undefined {
  const { compose } = sets.get(url) ?? {};
  if (compose === undefined || compose.exclude !== undefined) return undefined;
  const lists = compose.include.flatMap((one) => included(one, sets));
  const codes = lists.flatMap((list) => list ?? []);
  const isList = !lists.includes(undefined) && codes.length > 0;
  return isList && !codes.some((code) => code.includes(' ')) ? codes : undefined;
}

function included(
  { system, concept, filter, valueSet = [] }: Include,
  sets: ReadonlyMap<string, Definition>,
): (string[] | undefined)[] {
  if (filter !== undefined) return [undefined];
  const others = valueSet.map((other) => codesOf(other.split('|')[0] ?? '', sets));
  if (concept !== undefined) return [concept.map(({ code }) => code), ...others];
  return system === undefined ? others : [systemCodes(system, sets), ...others];
}

function systemCodes(url: string, sets: ReadonlyMap<string, Definition>): string[] | undefined {
  const below = (concepts: readonly Concept[]): string[] =>
    concepts.flatMap(({ code, concept = [] }) => [code, ...below(concept)]);
  const { concept } = sets.get(url) ?? {};
  return concept && below(concept);
}

const [version, folder] = process.argv.slice(2);
if (version !== undefined && folder !== undefined) main(version, folder);
