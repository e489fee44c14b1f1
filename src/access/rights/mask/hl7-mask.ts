import type { Hl7Document } from '../../../document/index.ts';
import { type FieldDefinition, hl7Dictionary, tableCodes } from '../../../document/index.ts';
import { masked } from '../../../trace/masked.ts';
import { PERSON_SEGMENTS, SHOWN_FIELDS, SHOWN_TYPES } from './hl7-types.ts';

type Delimiters = Hl7Document['delimiters'];

export interface Hl7MaskPaths {
  /** `PID-3` or `PID`: hidden in addition to what a field's type hides. */
  readonly hidden: ReadonlySet<string>;
  /** Shown although its type would hide it. */
  readonly shown: ReadonlySet<string>;
}

/** Tried in turn for a segment or field that the message's own version does not know. */
const VERSIONS = ['2.8', '2.5.1', '2.3.1', '2.2'];
const HEADERS = new Set(['MSH', 'BHS', 'FHS']);

/**
 * Masks by each field's type, its segment and its shape: unknown fields, fields with more than
 * their type allows, and lines that are not segments are hidden.
 */
export function maskHl7(document: Hl7Document, paths: Hl7MaskPaths): Uint8Array {
  const mask = new Hl7Mask(document.delimiters, paths);
  document.rewrite((text) => mask.line(text));
  return document.bytes();
}

/** What is known about a field while it is masked. */
interface Field {
  readonly type: string;
  /** Whether it is in a segment about a person. */
  readonly strict: boolean;
  readonly table: string | undefined;
  /** Whether it is an observation, which may be about anything. */
  readonly observed: boolean;
  /** Whether it is a time of birth or death. */
  readonly timeless: boolean;
}

class Hl7Mask {
  readonly #delimiters: Delimiters;
  readonly #paths: Hl7MaskPaths;
  #versions: readonly string[] = VERSIONS;
  readonly #known = new Map<string, FieldDefinition | 'none'>();

  constructor(delimiters: Delimiters, paths: Hl7MaskPaths) {
    this.#delimiters = delimiters;
    this.#paths = paths;
  }

  line(text: string): string {
    const { field: separator, component } = this.#delimiters;
    const slots = text.split(separator);
    const [name = ''] = slots;
    if (!/^[A-Z][A-Z\d]{2}$/.test(name)) return masked(text);
    const header = HEADERS.has(name);
    // a batch may contain messages of several versions
    if (name === 'MSH') {
      this.#versions = [split(slots[11] ?? '', component)[0] ?? '', ...VERSIONS];
      this.#known.clear();
    }
    return slots
      .map((raw, slot) => {
        // the delimiters themselves
        if (slot === 0 || (header && slot === 1)) return raw;
        return this.#field(raw, name, header ? slot + 1 : slot, slots);
      })
      .join(separator);
  }

  #field(raw: string, segment: string, n: number, slots: readonly string[]): string {
    if (raw === '' || raw === '""') return raw;
    const path = `${segment}-${n}`;
    const { hidden, shown } = this.#paths;
    if (hidden.has(path) || hidden.has(segment)) return this.#hidden(raw);
    if (shown.has(path) || SHOWN_FIELDS[path] === 'whole') return raw;
    const field = this.#typeOf(segment, n, slots);
    if (field === undefined) return this.#hidden(raw);
    return split(raw, this.#delimiters.repetition)
      .map((one) => this.#value(one, field))
      .join(this.#delimiters.repetition);
  }

  #typeOf(segment: string, n: number, slots: readonly string[]): Field | undefined {
    const path = `${segment}-${n}`;
    const definition = this.#definition(segment, n);
    const observed = path === 'OBX-5';
    const type = SHOWN_FIELDS[path] ?? (observed ? slots[2] : definition?.type);
    if (type === undefined || (observed && SHOWN_TYPES[type] === undefined)) return undefined;
    return {
      type,
      strict: PERSON_SEGMENTS.has(segment),
      table: definition?.table,
      observed,
      timeless: observed || /birth|death|\bdob\b/i.test(definition?.name ?? ''),
    };
  }

  /** A body has many segments with the same name. */
  #definition(segment: string, n: number): FieldDefinition | undefined {
    const known = this.#known.get(`${segment}-${n}`);
    if (known !== undefined) return known === 'none' ? undefined : known;
    const found = this.#looked(segment, n);
    this.#known.set(`${segment}-${n}`, found ?? 'none');
    return found;
  }

  #looked(segment: string, n: number): FieldDefinition | undefined {
    for (const version of this.#versions) {
      const found = hl7Dictionary(version)?.fields(segment)?.[n - 1];
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #value(raw: string, field: Field): string {
    const { component } = this.#delimiters;
    const components = split(raw, component);
    const rules = rulesOf(field.type);
    // a primitive value has one component: anything after it is unknown
    return components
      .map((one, at) => {
        const rule = rules[at] ?? '-';
        const type = SHOWN_TYPES[rule] === undefined ? undefined : rule;
        if (type !== undefined) return this.#nested(one, { ...field, type, table: undefined });
        return this.#leaf(one, rule, field, { components, at });
      })
      .join(component);
  }

  #nested(raw: string, field: Field): string {
    const { subcomponent } = this.#delimiters;
    const parts = split(raw, subcomponent);
    const rules = rulesOf(field.type);
    return parts
      .map((one, at) => this.#leaf(one, rules[at] ?? '-', field, { components: parts, at }))
      .join(subcomponent);
  }

  #leaf(raw: string, rule: string, field: Field, beside: Beside): string {
    return raw === '' || raw === '""' || isShown(raw, rule, field, beside)
      ? raw
      : this.#hidden(raw);
  }

  /** Escape sequences for a delimiter stay; others are hidden with their content. */
  #hidden(raw: string): string {
    const { escape } = this.#delimiters;
    if (escape === '' || !raw.includes(escape)) return masked(raw);
    return raw
      .split(escape)
      .map((part, n, all) =>
        n % 2 === 1 && n < all.length - 1 && /^[FSTRE]$/.test(part) ? part : masked(part),
      )
      .join(escape);
  }
}

function split(text: string, separator: string): string[] {
  return separator === '' ? [text] : text.split(separator);
}

/** The rules of a type's components; a rule that is not a type applies to the single value. */
const RULES = new Map(
  Object.entries(SHOWN_TYPES).map(([type, rules]) => [type, rules.split(' ')] as const),
);

function rulesOf(type: string): readonly string[] {
  return RULES.get(type) ?? (type === 'code' || type === 'range' ? [type] : []);
}

/** A code of HL7 or of a site: people's names are rarely written like this. */
const CODE = /^[A-Z\d_.+*/-]{1,16}$/;
/** A code with its system next to it. */
const SYSTEM_CODE = /^[\w.+*/%[\]{}-]{1,20}$/;
const SYSTEM = /^[A-Z][A-Z\d_.-]{0,19}$|^[012](?:\.\d{1,20}){3,}$/;
/** This many digits may be an identifier of a person or a date of birth. */
const MANY_DIGITS = /\d{6}/;
const TIME =
  /^(?:19|20)\d\d(?:(?:0[1-9]|1[012])(?:[0-3]\d(?:\d{2}){0,3})?)?(?:\.\d{1,4})?(?:[+-]\d{4})?$|^[0-2]\d[0-5]\d(?:[0-5]\d)?(?:\.\d{1,4})?$/;
const NUMBER = /^[+-]?\d{0,6}(?:\.\d{1,6})?$/;
const RANGE = /^[<>=]{0,2} ?\d{1,6}(?:\.\d{1,6})?(?: ?- ?\d{1,6}(?:\.\d{1,6})?)?$/;
const OID = /^[012](?:\.\d{1,20}){3,}$/;

interface Beside {
  readonly components: readonly string[];
  readonly at: number;
}

type Rule = (raw: string, field: Field, beside: Beside) => boolean;

const RULE: Readonly<Record<string, Rule>> = {
  code: (raw, field, { components, at }) =>
    isShownCode(raw, field, { at, system: components[at + 2] ?? '' }),
  label: (_, { strict }, { components, at }) =>
    !strict && (components[at - 1] ?? '') !== '' && SYSTEM.test(components[at + 1] ?? ''),
  number: (raw, { strict, type }) => (!strict || type === 'SI') && NUMBER.test(raw),
  'number-sign': (raw, { strict }) => !strict && /^[<>=+/:.-]{1,2}$/.test(raw),
  time: (raw, { strict, timeless }) => !strict && !timeless && TIME.test(raw),
  range: (raw) => RANGE.test(raw),
  authority: (raw) => OID.test(raw) || (CODE.test(raw) && !MANY_DIGITS.test(raw)),
};

function isShown(raw: string, rule: string, field: Field, beside: Beside): boolean {
  return RULE[rule]?.(raw, field, beside) ?? false;
}

function isShownCode(
  raw: string,
  { type, strict, observed, table }: Field,
  { at, system }: { readonly at: number; readonly system: string },
): boolean {
  if (strict) return at === 0 ? isKnownCode(raw, table) : /^[A-Z\d]{1,5}$/.test(raw);
  if (isCoded(type) && at % 3 === 0 && SYSTEM.test(system)) return SYSTEM_CODE.test(raw);
  return CODE.test(raw) && !MANY_DIGITS.test(raw) && !(observed && at === 0);
}

function isCoded(type: string): boolean {
  return type === 'CE' || type === 'CWE' || type === 'CNE' || type === 'CF';
}

/** A code from HL7's own tables reveals nothing about a person; a site's code may be anything. */
function isKnownCode(raw: string, table: string | undefined): boolean {
  const codes = table === undefined ? undefined : tableCodes(table);
  return codes !== undefined && Object.hasOwn(codes, raw);
}
