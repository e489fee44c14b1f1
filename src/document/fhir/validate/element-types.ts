import { readFileSync } from 'node:fs';
import type { DefinitionFile, FhirVersion, TypeFile } from '../definitions/definition-file.ts';

/** An element of a type or of a part of it. */
export interface ElementType {
  readonly name: string;
  readonly min: number;
  readonly isList: boolean;
  /** The types it may have; of a choice (`value[x]`) the type is part of the name in JSON. */
  readonly types: readonly string[];
  /** Resource types that a reference may lead to; empty if any. */
  readonly targets: readonly string[];
  /** The value set of a required binding. */
  readonly values: string | undefined;
  /** The path of the part that holds its content, for an element with elements of its own. */
  readonly part: string | undefined;
}

/** The elements of a type, or of a part such as `Patient.contact`. */
export interface ElementsOf {
  /** By their name in JSON; a choice stands under each of its names. */
  readonly byName: ReadonlyMap<string, ElementType>;
  readonly required: readonly ElementType[];
  /** Keys of invariants. */
  readonly rules: readonly string[];
}

/** What is no resource of its own. */
const ABSTRACT = new Set(['Resource', 'DomainResource', 'CanonicalResource', 'MetadataResource']);

/** What the definitions of one version of FHIR say. */
export class FhirDefinitions {
  readonly version: FhirVersion;
  readonly #file: DefinitionFile;
  readonly #parts = new Map<string, ElementsOf>();
  readonly #sets = new Map<string, ReadonlySet<string>>();

  constructor(version: FhirVersion) {
    this.version = version;
    const place = new URL(`../definitions/${version.toLowerCase()}.json`, import.meta.url);
    this.#file = JSON.parse(readFileSync(place, 'utf8')) as DefinitionFile;
  }

  /** As FHIR writes it: `4.0.1`. */
  get number(): string {
    return this.#file.version;
  }

  get rules(): DefinitionFile['rules'] {
    return this.#file.rules;
  }

  kindOf(type: string): TypeFile['kind'] | undefined {
    const { types } = this.#file;
    return Object.hasOwn(types, type) ? types[type]?.kind : undefined;
  }

  isResource(type: string): boolean {
    return this.kindOf(type) === 'resource' && !ABSTRACT.has(type);
  }

  resourceTypes(): readonly string[] {
    return Object.keys(this.#file.types).filter((type) => this.isResource(type));
  }

  /** What is in a type (`Patient`), or below a part of it (`contact`). */
  elementsOf(type: string, part = ''): ElementsOf {
    const key = `${type} ${part}`;
    const known = this.#parts.get(key);
    if (known !== undefined) return known;
    const made = read(this.#file, type, part);
    this.#parts.set(key, made);
    return made;
  }

  /** Whether a value set has the code; undefined if its codes are not known. */
  hasCode(set: string, code: string): boolean | undefined {
    const codes = this.#file.values[set];
    if (codes === undefined) return undefined;
    const known = this.#sets.get(set) ?? new Set(codes.split(' '));
    this.#sets.set(set, known);
    return known.has(code);
  }
}

const known = new Map<FhirVersion, FhirDefinitions>();

/** The definitions of a version, read by the first that needs them. */
export function definitionsOf(version: FhirVersion): FhirDefinitions {
  const found = known.get(version) ?? new FhirDefinitions(version);
  known.set(version, found);
  return found;
}

export const isFhirType = (type: string, version: FhirVersion = 'R4'): boolean =>
  definitionsOf(version).isResource(type);

/** Whether the resources of a type have an element of this name. */
export const hasFhirElement = (type: string, name: string, version: FhirVersion): boolean =>
  definitionsOf(version).elementsOf(type).byName.has(name);

/** A version as FHIR writes it: `4.0.1`. */
export const fhirNumber = (version: FhirVersion): string => definitionsOf(version).number;

/** Every type of resource. */
export const fhirResourceTypes = (version: FhirVersion = 'R4'): readonly string[] =>
  definitionsOf(version).resourceTypes();

const EXTENSIONS = { extension: '0..* Extension' };
/** What every resource has. */
const OF_RESOURCES = {
  id: '0..1 id',
  meta: '0..1 Meta',
  implicitRules: '0..1 uri',
  language: '0..1 code',
};
const OF_DOMAIN_RESOURCES = {
  text: '0..1 Narrative',
  contained: '0..* Resource',
  ...EXTENSIONS,
  modifierExtension: '0..* Extension',
};
/** Resources that are nothing but a container. */
const CONTAINERS = new Set(['Bundle', 'Parameters', 'Binary']);

function commonOf(
  { types }: DefinitionFile,
  type: string,
  part: string,
): Readonly<Record<string, string>> {
  if (part !== '') return { id: '0..1 string', ...EXTENSIONS, modifierExtension: '0..* Extension' };
  if (types[type]?.kind !== 'resource') return { id: '0..1 string', ...EXTENSIONS };
  return CONTAINERS.has(type) ? OF_RESOURCES : { ...OF_RESOURCES, ...OF_DOMAIN_RESOURCES };
}

function read(file: DefinitionFile, type: string, part: string): ElementsOf {
  const of = file.types[type];
  const own = Object.entries(of?.elements ?? {}).filter(([path]) => {
    const name = path.slice(part === '' ? 0 : part.length + 1);
    return (part === '' || path.startsWith(`${part}.`)) && !name.includes('.') && name !== '';
  });
  const elements = [...Object.entries(commonOf(file, type, part)), ...own].map(([path, text]) =>
    elementType(path, text),
  );
  const byName = new Map(elements.flatMap((element) => namesOf(element)));
  return {
    byName,
    required: elements.filter(({ min }) => min > 0),
    rules: of?.rules?.[part]?.split(' ') ?? [],
  };
}

function elementType(path: string, text: string): ElementType {
  const [count = '', types = '', binding] = text.split(' ');
  const references = /Reference\(([^)]*)\)/.exec(types)?.[1];
  const content = types.startsWith('#') ? types.slice(1) : undefined;
  const own = /^(?:Backbone)?Element$/.test(types) ? path : undefined;
  return {
    name: path.split('.').at(-1) ?? path,
    min: Number(count.split('..')[0]),
    isList: count.endsWith('*') || Number(count.split('..')[1]) > 1,
    types: types.replaceAll(/\([^)]*\)/g, '').split(','),
    targets: references?.split('|') ?? [],
    values: binding?.slice(1),
    part: content ?? own,
  };
}

/** A choice has a name of its own for each of its types. */
function namesOf(element: ElementType): [string, ElementType][] {
  const { name } = element;
  if (!name.endsWith('[x]')) return [[name, element]];
  const types = element.types[0] === '*' ? OPEN : element.types;
  const base = name.slice(0, -3);
  return types.map((type) => [
    `${base}${type[0]?.toUpperCase() ?? ''}${type.slice(1)}`,
    { ...element, types: [type] },
  ]);
}

/** The types of an open choice, such as the value of an extension. */
const OPEN = (
  'base64Binary boolean canonical code date dateTime decimal id instant integer markdown oid positiveInt string time ' +
  'unsignedInt uri url uuid Address Age Annotation Attachment CodeableConcept Coding ContactPoint Count Distance Duration ' +
  'HumanName Identifier Money Period Quantity Range Ratio Reference SampledData Signature Timing ContactDetail Contributor ' +
  'DataRequirement Expression ParameterDefinition RelatedArtifact TriggerDefinition UsageContext Dosage Meta'
).split(' ');
