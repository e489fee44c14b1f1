import { atOnce } from '../../in-turns.ts';
import type { FhirVersion } from '../definitions/definition-file.ts';
import { evaluator, isFhirPathInstalled } from '../path/fhir-path.ts';
import { isElement } from '../v2/json.ts';
import { fhirDate } from '../v2/times.ts';
import { definitionsOf, type ElementType, type FhirDefinitions } from './element-types.ts';
import type { FhirFinding } from './finding.ts';

interface FhirChecking {
  /** `structure`: elements, types and cardinality; `full`: also codes, references and invariants. */
  readonly level: 'structure' | 'full';
  /** By whose definitions; default R4. */
  readonly version?: FhirVersion | undefined;
}

/** More findings than anybody reads, and as deep as a resource is nested at most. */
const MOST = 100;
const DEEPEST = 60;

/**
 * What is wrong with a resource by the definitions of FHIR, at most 100 findings. Profiles and
 * code systems outside of FHIR are not checked; invariants only where the package `fhirpath` is installed.
 */
export function fhirFindings(resource: unknown, checking: FhirChecking): FhirFinding[] {
  return atOnce(findingFhir(resource, checking));
}

/** As `fhirFindings`, a little at each step. */
export function* findingFhir(
  resource: unknown,
  { level, version = 'R4' }: FhirChecking,
): Generator<undefined, FhirFinding[]> {
  const definitions = definitionsOf(version);
  const check = new ResourceCheck(definitions, level === 'full');
  yield* check.resource(resource, undefined, 0);
  const { findings } = check;
  if (level === 'full' && isElement(resource) && findings.length === 0) {
    for (const finding of contradictions(resource, definitions)) {
      yield;
      if (finding !== undefined && findings.push(finding) >= MOST) return findings;
    }
  }
  return findings.slice(0, MOST);
}

/** What is wrong with a resource of known structure. */
function* contradictions(
  resource: Readonly<Record<string, unknown>>,
  definitions: FhirDefinitions,
): Findings {
  yield* unresolvedReferences(resource, definitions);
  yield* brokenRules(resource, definitions);
}

class ResourceCheck {
  readonly findings: FhirFinding[] = [];
  readonly #definitions: FhirDefinitions;
  readonly #full: boolean;

  constructor(definitions: FhirDefinitions, full: boolean) {
    this.#definitions = definitions;
    this.#full = full;
  }

  /** @param at its path; undefined for the outermost, which is named by its type */
  *resource(value: unknown, at: string | undefined, depth: number): Generator<undefined> {
    yield;
    const type = isElement(value) ? value['resourceType'] : undefined;
    if (!isElement(value) || typeof type !== 'string' || !this.#definitions.isResource(type)) {
      this.#add(
        'structure',
        at ?? 'Resource',
        `is not a resource of FHIR ${this.#definitions.version}: it needs a resourceType that FHIR has`,
      );
      return;
    }
    const { resourceType: _, ...content } = value;
    yield* this.#content(content, { type, part: '', at: at ?? type, depth });
  }

  *#content(value: Readonly<Record<string, unknown>>, place: Place): Generator<undefined> {
    const { type, part, at, depth } = place;
    if (this.findings.length >= MOST) return;
    if (depth > DEEPEST) {
      this.#add('structure', at, `is nested more than ${DEEPEST} levels deep`);
      return;
    }
    const { byName, required } = this.#definitions.elementsOf(type, part);
    const names = Object.keys(value);
    if (names.length === 0 && !this.#definitions.isResource(type))
      this.#add('structure', at, 'is empty');
    this.#choices(names, byName, at);
    for (const name of names) {
      const element = byName.get(name.startsWith('_') ? name.slice(1) : name);
      if (element === undefined)
        this.#add('structure', at, `has an element that FHIR does not have there${known(name)}`);
      else if (name.startsWith('_'))
        yield* this.#extended(value[name], element, `${at}.${name.slice(1)}`, depth);
      else yield* this.#element(value[name], element, { ...place, at: `${at}.${name}` });
    }
    for (const element of required) {
      const found = [...byName].some(
        ([name, one]) =>
          one.name === element.name &&
          (value[name] !== undefined || value[`_${name}`] !== undefined),
      );
      if (!found) this.#add('required', `${at}.${element.name}`, 'is required');
    }
  }

  /** Of `value[x]` only one may be there. */
  #choices(names: readonly string[], byName: ReadonlyMap<string, ElementType>, at: string): void {
    const chosen = names.flatMap((name) => {
      const element = byName.get(name);
      return element?.name.endsWith('[x]') === true ? [element.name] : [];
    });
    for (const name of new Set(chosen.filter((one, index) => chosen.indexOf(one) !== index))) {
      this.#add('structure', `${at}.${name}`, 'is there more than once, with different types');
    }
  }

  *#element(value: unknown, element: ElementType, place: Place): Generator<undefined> {
    const { at } = place;
    if (element.isList !== Array.isArray(value)) {
      this.#add('structure', at, element.isList ? 'must be a list' : 'must not be a list');
      return;
    }
    if (!Array.isArray(value)) {
      yield* this.#value(value, element, place);
      return;
    }
    if (value.length === 0) this.#add('structure', at, 'is an empty list');
    for (const [index, one] of value.entries()) {
      // gaps for what has only extensions
      if (one !== null) yield* this.#value(one, element, { ...place, at: `${at}[${index}]` });
      if (this.findings.length >= MOST) return;
    }
  }

  *#value(
    value: unknown,
    element: ElementType,
    { type: around, at, depth }: Place,
  ): Generator<undefined> {
    const [type = ''] = element.types;
    if (element.part !== undefined) {
      if (isElement(value))
        yield* this.#content(value, { type: around, part: element.part, at, depth: depth + 1 });
      else this.#add('structure', at, 'must be an element with elements of its own');
      return;
    }
    const kind = this.#definitions.kindOf(type);
    if (kind === 'primitive') this.#primitive(value, type, element, at);
    else if (type === 'Resource' || kind === 'resource') yield* this.resource(value, at, depth + 1);
    else if (!isElement(value)) this.#add('structure', at, `must be ${type}`);
    else {
      yield* this.#content(value, { type, part: '', at, depth: depth + 1 });
      if (this.#full) this.#coded(value, element, at);
    }
  }

  #primitive(value: unknown, type: string, { values }: ElementType, at: string): void {
    if (!isPrimitive(type, value)) this.#add('value', at, `is not ${type}`);
    else if (
      this.#full &&
      values !== undefined &&
      this.#definitions.hasCode(values, String(value)) === false
    ) {
      this.#add('code-invalid', at, `is not a code of ${values}`);
    }
  }

  /** A coding or concept that must have a code of a value set. */
  #coded(value: Readonly<Record<string, unknown>>, { values }: ElementType, at: string): void {
    if (values === undefined) return;
    const codings = Array.isArray(value['coding']) ? (value['coding'] as unknown[]) : [value];
    const codes = codings.map((one) => (isElement(one) ? one['code'] : undefined));
    const found = codes.filter((code) => typeof code === 'string');
    if (
      found.length > 0 &&
      found.every((code) => this.#definitions.hasCode(values, code) === false)
    ) {
      this.#add('code-invalid', at, `has no code of ${values}`);
    }
  }

  /** What stands beside a primitive value: `_birthDate`. */
  *#extended(
    value: unknown,
    element: ElementType,
    at: string,
    depth: number,
  ): Generator<undefined> {
    if (element.isList !== Array.isArray(value)) {
      this.#add('structure', at, 'has extensions that do not fit it');
      return;
    }
    const all: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const one of all) {
      if (isElement(one))
        yield* this.#content(one, { type: 'Element', part: '', at, depth: depth + 1 });
      else if (one !== null) this.#add('structure', at, 'has extensions that do not fit it');
    }
  }

  #add(code: FhirFinding['code'], path: string, text: string): void {
    this.findings.push({ severity: 'error', code, path, text });
  }
}

interface Place {
  readonly type: string;
  readonly part: string;
  readonly at: string;
  readonly depth: number;
}

/** The name of an unknown element, unless it looks like a value. */
const known = (name: string): string => (/^_?[a-z][A-Za-z]{0,39}$/.test(name) ? `: ${name}` : '');

/**
 * References that lead nowhere (within a Bundle, `urn:uuid:…`) and those that lead to a resource of
 * a type that may not stand there.
 */
function* unresolvedReferences(
  resource: Readonly<Record<string, unknown>>,
  definitions: FhirDefinitions,
): Findings {
  const types = entryTypes(resource);
  for (const { type, value, targets, at } of elementsIn(resource, definitions)) {
    yield undefined;
    const { reference } = value;
    if (type !== 'Reference' || typeof reference !== 'string') continue;
    const text = problemOf(typeOf(reference, types, definitions), targets);
    if (text === undefined) continue;
    const code = text === NOWHERE ? 'not-found' : 'structure';
    yield { severity: 'error', code, path: at, text };
  }
}

/** Each finding, and undefined where others may have their turn. */
type Findings = Generator<FhirFinding | undefined>;

const NOWHERE = 'leads to no entry of the Bundle';

function problemOf(found: string | undefined, targets: readonly string[]): string | undefined {
  if (found === 'nowhere') return NOWHERE;
  if (found === undefined || targets.length === 0 || targets.includes(found)) return undefined;
  return `leads to ${found}, and must lead to ${targets.join(' or ')}`;
}

/** The type of each entry by its full URL. */
function entryTypes({
  resourceType,
  entry,
}: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const entries: readonly unknown[] =
    resourceType === 'Bundle' && Array.isArray(entry) ? entry : [];
  return new Map(
    entries.flatMap((one) => {
      const { fullUrl, resource } = isElement(one) ? one : {};
      const type = isElement(resource) ? resource['resourceType'] : undefined;
      return typeof fullUrl === 'string' && typeof type === 'string' ? [[fullUrl, type]] : [];
    }),
  );
}

function typeOf(
  reference: string,
  types: ReadonlyMap<string, string>,
  definitions: FhirDefinitions,
): string | undefined {
  const entry = types.get(reference);
  if (entry !== undefined) return entry;
  if (/^urn:(?:uuid|oid):/.test(reference)) return types.size === 0 ? undefined : 'nowhere';
  const [, type] =
    /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z\d\-.]{1,64}(?:\/_history\/.+)?$/.exec(reference) ?? [];
  return type !== undefined && definitions.kindOf(type) === 'resource' ? type : undefined;
}

/** The invariants of FHIR that a resource breaks; none where `fhirpath` is not installed. */
function* brokenRules(
  resource: Readonly<Record<string, unknown>>,
  definitions: FhirDefinitions,
): Findings {
  if (!isFhirPathInstalled()) return;
  for (const placed of elementsIn(resource, definitions)) yield* brokenAt(placed);
}

function* brokenAt(placed: Placed): Findings {
  const { type, part, at, definitions } = placed;
  for (const key of definitions.elementsOf(type, part).rules) {
    yield undefined;
    const [severity, expression, text] = definitions.rules[key] ?? ['warning', 'true', ''];
    if (yield* holds(key, expression, placed)) continue;
    yield {
      severity,
      code: 'invariant',
      path: at,
      text: `${text.trim()} (${key.replace(/~.*/, '')})`,
    };
  }
}

/** How many entries of a Bundle are looked at in one step. */
const ENTRIES = 500;

/** Whether an invariant holds; one of every entry of a large Bundle is asked of some entries after the other. */
function* holds(key: string, expression: string, placed: Placed): Generator<undefined, boolean> {
  const { value, root } = placed;
  const own = OWN_RULES[key];
  if (own !== undefined) return own(value, root);
  const { entry } = value;
  if (!Array.isArray(entry) || entry.length <= ENTRIES || !expression.startsWith('entry.all(')) {
    return isTrue(expression, placed);
  }
  for (let at = 0; at < entry.length; at += ENTRIES) {
    const some = { ...value, entry: (entry as unknown[]).slice(at, at + ENTRIES) };
    yield;
    if (!isTrue(expression, { ...placed, value: some, root: some })) return false;
  }
  return true;
}

/** An invariant that cannot be evaluated here, such as one that asks a terminology server, holds. */
function isTrue(
  expression: string,
  { value, type, part, root, definitions: { version } }: Placed,
): boolean {
  const base = part === '' ? type : `${type}.${part}`;
  const evaluate = evaluator(expression, { base, version });
  if (evaluate === undefined) return true;
  try {
    const result = evaluate(value, { resource: root, rootResource: root });
    return result.every((one) => one !== false);
  } catch {
    // it asks for something that is not at hand
    return true;
  }
}

/** An element with elements of its own, and where it is. */
interface Placed {
  readonly value: Readonly<Record<string, unknown>>;
  readonly type: string;
  /** The part of the type that it is, `''` for the type itself. */
  readonly part: string;
  /** As FHIRPath. */
  readonly at: string;
  /** The innermost resource that it is in. */
  readonly root: Readonly<Record<string, unknown>>;
  /** Where it may lead, for a reference. */
  readonly targets: readonly string[];
  readonly definitions: FhirDefinitions;
}

/** Every element of a resource of known structure that is not a primitive, the resource itself first. */
function* elementsIn(
  resource: Readonly<Record<string, unknown>>,
  definitions: FhirDefinitions,
  at = String(resource['resourceType']),
): Generator<Placed> {
  const type = String(resource['resourceType']);
  yield* from({ value: resource, type, part: '', at, root: resource, targets: [], definitions });
}

function* from(placed: Placed): Generator<Placed> {
  yield placed;
  const { byName } = placed.definitions.elementsOf(placed.type, placed.part);
  for (const [name, value] of Object.entries(placed.value)) {
    const element = byName.get(name);
    if (element === undefined) continue;
    const all: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const [index, one] of all.entries()) {
      const at = `${placed.at}.${name}${Array.isArray(value) ? `[${index}]` : ''}`;
      if (isElement(one)) yield* inner(one, element, { ...placed, at });
    }
  }
}

function inner(
  value: Readonly<Record<string, unknown>>,
  { types: [type = ''], part, targets }: ElementType,
  around: Placed,
): Generator<Placed> {
  if (part !== undefined) return from({ ...around, value, part, targets });
  const isResource = type === 'Resource' || around.definitions.kindOf(type) === 'resource';
  return isResource
    ? elementsIn(value, around.definitions, around.at)
    : from({ ...around, value, type, part: '', targets });
}

const YEAR = '(?:[1-9]\\d{3}|0\\d{2}[1-9]|0\\d[1-9]0|0[1-9]00)';
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)(?:\\.\\d+)?';
const ZONE = '(?:Z|[+-](?:(?:0\\d|1[0-3]):[0-5]\\d|14:00))';

/** How text of a primitive type looks, by the specification. */
const TEXTS: Readonly<Record<string, RegExp>> = {
  base64Binary: /^(?:\s*(?:[\dA-Za-z+/=]){4}\s*)+$/,
  canonical: /^\S*$/,
  code: /^[^\s]+(?:\s[^\s]+)*$/,
  date: new RegExp(`^${YEAR}(?:-\\d\\d(?:-\\d\\d)?)?$`),
  dateTime: new RegExp(`^${YEAR}(?:-\\d\\d(?:-\\d\\d(?:T${TIME}${ZONE})?)?)?$`),
  integer64: /^(?:0|[+-]?[1-9]\d{0,18})$/,
  id: /^[A-Za-z\d\-.]{1,64}$/,
  instant: new RegExp(`^${YEAR}-\\d\\d-\\d\\dT${TIME}${ZONE}$`),
  markdown: /\S/,
  oid: /^urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+$/,
  string: /\S/,
  time: new RegExp(`^${TIME}$`),
  uri: /^\S*$/,
  url: /^\S*$/,
  uuid: /^urn:uuid:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/,
  xhtml: /^\s*<div[\s>]/,
};

const DATES = new Set(['date', 'dateTime', 'instant']);
const NUMBERS: Readonly<Record<string, (value: number) => boolean>> = {
  decimal: Number.isFinite,
  integer: (value) => Number.isInteger(value) && Math.abs(value) <= 2_147_483_648,
  positiveInt: (value) => Number.isInteger(value) && value > 0 && value <= 2_147_483_647,
  unsignedInt: (value) => Number.isInteger(value) && value >= 0 && value <= 2_147_483_647,
};

/** Whether a JSON value is one of the primitive type. Base64 is only looked at while it is short: it may be a document. */
function isPrimitive(type: string, value: unknown): boolean {
  if (type === 'boolean') return typeof value === 'boolean';
  const number = NUMBERS[type];
  if (number !== undefined) return typeof value === 'number' && number(value);
  if (typeof value !== 'string' || value === '') return false;
  const long = type === 'base64Binary' && value.length > 10_000;
  if (!long && TEXTS[type]?.test(value) === false) return false;
  return !DATES.has(type) || isDay(value);
}

/** The 30th of February looks like a date. */
function isDay(value: string): boolean {
  const digits = value.slice(0, 10).replaceAll('-', '');
  return fhirDate(digits) !== undefined;
}

type Element = Readonly<Record<string, unknown>>;

/** Whether an invariant holds for an element of a resource. */
type Rule = (value: Element, root: Element) => boolean;

/**
 * Invariants that are not left to the package `fhirpath`, which takes the square of the number of parts for them: a Bundle of
 * 5 MB would take minutes.
 */
const OWN_RULES: Readonly<Record<string, Rule>> = {
  'bdl-7': ({ type, entry }) => type === 'history' || areDistinct(versions(listOf(entry))),
  'dom-3': ({ contained }, root) => areReferred(listOf(contained), root),
};

const listOf = (value: unknown): readonly Element[] =>
  Array.isArray(value) ? value.filter(isElement) : [];

/** Of each entry that has a full URL that with the version. */
function versions(entries: readonly Element[]): string[] {
  return entries.flatMap(({ fullUrl, resource }) => {
    if (typeof fullUrl !== 'string') return [];
    const meta = isElement(resource) ? resource['meta'] : undefined;
    const version = isElement(meta) ? meta['versionId'] : undefined;
    return [`${fullUrl} ${typeof version === 'string' ? version : ''}`];
  });
}

const areDistinct = (values: readonly string[]): boolean => new Set(values).size === values.length;

/** Each contained resource is referred to in the resource that contains it, or refers to that. */
function areReferred(contained: readonly Element[], root: Element): boolean {
  if (contained.length === 0) return true;
  const local = localReferences(root);
  return contained.every(
    (one) => local.has(`#${String(one['id'])}`) || localReferences(one).has('#'),
  );
}

/** The values in an element that may refer within its resource. */
function localReferences(element: Element): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting: unknown[] = [element];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === 'string' && value.startsWith('#')) found.add(value);
    if (typeof value === 'object' && value !== null) {
      for (const below of Object.values(value)) waiting.push(below);
    }
  }
  return found;
}
