import type { Line } from '../../segment/line.ts';
import { partsOf } from '../../segment/part.ts';
import type { EdiSyntax } from '../edi-syntax.ts';
import {
  type ElementRule,
  type X12Element,
  type X12Segment,
  x12Segment,
} from '../x12/segment-elements.ts';
import { isDate, isDateTime, isTime } from './date.ts';
import { type EdiFinding, type EdiPlace, type ElementPlace, foundIn } from './finding.ts';

/**
 * Checks the elements of an X12 segment: presence, types, lengths, repetitions, components, and the rules
 * between them. Code lists are not checked; for an unknown segment only the characters are.
 */
export function checkElements(line: Line, place: EdiPlace, syntax: EdiSyntax): EdiFinding[] {
  // octets of any kind
  if (place.segment === 'BIN') return [];
  const known = x12Segment(place.segment);
  const values = Array.from({ length: line.slots(syntax.field) }, (_, at) =>
    line.slot(at + 1, syntax.field),
  );
  const check = new ElementCheck(place, syntax);
  for (const [at, value] of values.entries()) check.element(at + 1, value, known?.elements[at]);
  if (known !== undefined) {
    check.missing(values, known);
    for (const rule of known.rules) check.rule(values, rule);
    check.format(place.segment, values);
  }
  return check.findings.toSorted((a, b) => a.element - b.element);
}

class ElementCheck {
  readonly findings: EdiFinding[] = [];
  readonly #place: EdiPlace;
  readonly #syntax: EdiSyntax;

  constructor(place: EdiPlace, syntax: EdiSyntax) {
    this.#place = place;
    this.#syntax = syntax;
  }

  element(element: number, value: string, known: X12Element | undefined): void {
    if (value === '') return;
    const { component, repetition } = this.#syntax;
    const parts = partsOf(value, repetition);
    const most = known?.repetitions ?? parts.length;
    if (parts.length > most) {
      this.#find('12', { element }, `has ${parts.length} repetitions, of at most ${most}`);
    }
    for (const [at, part] of parts.entries()) {
      const place = parts.length > 1 ? { element, repetition: at + 1 } : { element };
      const components = partsOf(part, component);
      if (known === undefined || known.type === 'any') {
        for (const one of components) this.#characters(one, place);
      } else if (known.type === 'composite') {
        this.#composite(components, place, known);
      } else {
        this.#simple(components, place, known);
      }
    }
  }

  /** Required elements, and those beyond the last. */
  missing(values: readonly string[], { elements }: X12Segment): void {
    for (const [at, { required }] of elements.entries()) {
      if (required && (values[at] ?? '') === '') this.#find('1', { element: at + 1 }, 'is missing');
    }
    const last = values.findLastIndex((value) => value !== '') + 1;
    if (last > elements.length) {
      this.#find(
        '3',
        { element: elements.length + 1 },
        `is not defined: ${this.#place.segment} has ${elements.length} elements`,
      );
    }
  }

  rule(values: readonly string[], { kind, elements }: ElementRule): void {
    const there = elements.filter((n) => (values[n - 1] ?? '') !== '');
    const broken = RULES[kind](elements, there);
    if (broken === undefined) return;
    const code = kind === 'E' ? '10' : '2';
    for (const n of broken.at) this.#find(code, { element: n }, broken.what);
  }

  /** What a format qualifier says about the next element: D8, RD8, DT, TM. */
  format(segment: string, values: readonly string[]): void {
    const at = DATED[segment];
    if (at === undefined) return;
    const [qualifier = '', value = ''] = [values[at - 2], values[at - 1]];
    const isSound = FORMATS[qualifier];
    if (value !== '' && isSound !== undefined && !isSound(value)) {
      this.#find('8', { element: at }, `is not a date in the format named by element ${at - 1}`);
    }
  }

  #composite(components: readonly string[], place: ElementPlace, known: X12Element): void {
    const last = components.findLastIndex((one) => one !== '') + 1;
    if (last > known.components.length && known.components.length > 0) {
      this.#find('13', place, `has ${last} components, of at most ${known.components.length}`);
    }
    for (const [at, part] of components.entries()) {
      const inner = known.components[at];
      const here = { ...place, component: at + 1 };
      if (part === '') continue;
      if (inner === undefined || inner.type === 'any') this.#characters(part, here);
      else this.#simple([part], here, inner);
    }
    for (const [at, { required }] of known.components.entries()) {
      if (required && (components[at] ?? '') === '')
        this.#find('1', { ...place, component: at + 1 }, 'is missing');
    }
  }

  #simple(components: readonly string[], place: ElementPlace, known: X12Element): void {
    const [value = ''] = components;
    if (components.length > 1) {
      this.#find('13', place, `has ${components.length} components, but is not a composite`);
      return;
    }
    if (value === '' || this.#characters(value, place)) return;
    const code = TYPES[known.type]?.(value);
    if (code !== undefined) {
      this.#find(code, place, TYPE_TEXT[code] ?? 'is not of the required type');
      return;
    }
    const length = known.type === 'R' || known.type === 'N' ? digits(value) : value.length;
    if (length < known.least) {
      this.#find('4', place, `has ${length} characters, of at least ${known.least}`);
    }
    if (length > known.most) {
      this.#find('5', place, `has ${length} characters, of at most ${known.most}`);
    }
  }

  /** Whether it has characters that are forbidden in any element. */
  #characters(value: string, place: ElementPlace): boolean {
    if (!CONTROL.test(value)) return false;
    this.#find('6', place, 'has a control character');
    return true;
  }

  #find(code: string, place: ElementPlace, what: string): void {
    this.findings.push(foundIn(code, this.#place, place, what));
  }
}

interface Broken {
  /** Missing elements, or one that must not be present. */
  readonly at: readonly number[];
  readonly what: string;
}

/** What breaks a rule between elements. */
const RULES: Readonly<
  Record<
    ElementRule['kind'],
    (elements: readonly number[], there: readonly number[]) => Broken | undefined
  >
> = {
  P: (elements, there) => {
    const at = elements.filter((n) => !there.includes(n));
    const what = `is missing: elements ${elements.join(', ')} must come together`;
    return there.length > 0 && at.length > 0 ? { at, what } : undefined;
  },
  R: (elements, there) => {
    const what = `is missing: one of the elements ${elements.join(', ')} is required`;
    return there.length > 0 ? undefined : { at: elements.slice(0, 1), what };
  },
  E: (elements, there) => {
    const what = `must not be present: only one of the elements ${elements.join(', ')} may be`;
    return there.length > 1 ? { at: there.slice(1, 2), what } : undefined;
  },
  C: ([first = 0, ...others], there) => {
    const at = others.filter((n) => !there.includes(n));
    return there.includes(first)
      ? { at, what: `is missing: element ${first} requires it` }
      : undefined;
  },
  L: ([first = 0, ...others], there) => {
    const what = `is missing: element ${first} requires one of the elements ${others.join(', ')}`;
    return there.length === 1 && there.includes(first)
      ? { at: others.slice(0, 1), what }
      : undefined;
  },
};

// oxlint-disable-next-line no-control-regex -- these are looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)(?:E-?\d+)?$/;

/** Returns the code of the error in a value of a type. */
const TYPES: Readonly<Record<string, (value: string) => string | undefined>> = {
  R: (value) => (NUMBER.test(value) ? undefined : '6'),
  N: (value) => (/^-?\d+$/.test(value) ? undefined : '6'),
  DT: (value) => (isDate(value) ? undefined : '8'),
  TM: (value) => (isTime(value) ? undefined : '9'),
};

const TYPE_TEXT: Readonly<Record<string, string>> = {
  '6': 'is not a number',
  '8': 'is not a date',
  '9': 'is not a time',
};

/** The length of a number without its sign and decimal point. */
function digits(value: string): number {
  return value.replaceAll(/[-.E]/g, '').length;
}

/** Dates whose format is given by the element before it. */
const DATED: Readonly<Record<string, number>> = { DTP: 3, DMG: 2, PAT: 6 };

const FORMATS: Readonly<Record<string, ((value: string) => boolean) | undefined>> = {
  D8: (value) => value.length === 8 && isDate(value),
  RD8: (value) => /^\d{8}-\d{8}$/.test(value) && value.split('-').every(isDate),
  DT: isDateTime,
  TM: isTime,
};
