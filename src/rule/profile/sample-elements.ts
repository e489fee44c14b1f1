import type { EdiSyntax } from '../../document/edi/edi-syntax.ts';
import type { Line } from '../../document/segment/line.ts';
import { partsOf } from '../../document/segment/part.ts';
import { nameOfCode } from '../../document/segment/segment-path.ts';

/** More different values are no list of codes. */
const MOST_CODES = 20;

/** The elements that segments of one name had. */
interface SeenSegment {
  count: number;
  readonly elements: Map<number, SeenElement>;
}

interface SeenElement {
  count: number;
  /** The most repetitions of one. */
  most: number;
  repetitions: number;
  readonly components: Map<number, SeenComponent>;
}

interface SeenComponent {
  count: number;
  longest: number;
  isNumber: boolean;
  /** As long as they may be a list of codes. */
  codes: Set<string> | undefined;
}

/** How a body is written. */
interface Written {
  readonly syntax: EdiSyntax;
  readonly plain: (raw: string) => string;
}

/** Collects what elements of segments are like. */
export class SampleElements {
  readonly #segments = new Map<string, SeenSegment>();

  see(line: Line, written: Written): void {
    const name = nameOfCode(line.code);
    const seen = this.#segments.get(name) ?? { count: 0, elements: new Map() };
    this.#segments.set(name, seen);
    seen.count += 1;
    const { field } = written.syntax;
    const count = line.slots(field);
    for (let at = 1; at <= count; at++) {
      const text = line.slot(at, field);
      if (text !== '') seeElement(seen, at, { text, ...written });
    }
  }

  /** As entries of a profile, `[BGM-1, { required: true }]`. */
  lines(): string[] {
    return [...this.#segments].flatMap(([name, { count, elements }]) =>
      [...elements]
        .toSorted(([a], [b]) => a - b)
        .flatMap(([at, element]) => elementLines(`${name}-${at}`, element, { of: count, at })),
    );
  }
}

function seeElement(
  { elements }: SeenSegment,
  at: number,
  { text, syntax, plain }: Written & { readonly text: string },
): void {
  const seen = elements.get(at) ?? { count: 0, most: 0, repetitions: 0, components: new Map() };
  elements.set(at, seen);
  const repetitions = partsOf(text, syntax.repetition, syntax.release);
  seen.count += 1;
  seen.most = Math.max(seen.most, repetitions.length);
  for (const repetition of repetitions) {
    seen.repetitions += 1;
    for (const [index, raw] of partsOf(repetition, syntax.component, syntax.release).entries()) {
      if (raw !== '') seeValue(seen.components, index + 1, plain(raw));
    }
  }
}

function seeValue(components: Map<number, SeenComponent>, at: number, value: string): void {
  const seen = components.get(at) ?? { count: 0, longest: 0, isNumber: true, codes: new Set() };
  components.set(at, seen);
  const isNumber = /^-?\d+(?:[.,]\d+)?$/.test(value);
  seen.count += 1;
  seen.isNumber &&= isNumber;
  seen.longest = Math.max(seen.longest, Array.from(value).length);
  seen.codes = /^[A-Z\d]{1,3}$/.test(value) ? seen.codes?.add(value) : undefined;
  if ((seen.codes?.size ?? 0) > MOST_CODES) seen.codes = undefined;
}

function elementLines(
  path: string,
  { count, most, repetitions, components }: SeenElement,
  { of, at }: { readonly of: number; readonly at: number },
): string[] {
  const isRequired = count === of;
  const about = [...(isRequired ? ['required: true'] : []), ...(most > 1 ? [`most: ${most}`] : [])];
  const parts = [...components].toSorted(([a], [b]) => a - b);
  const [first] = parts;
  if (parts.length === 1 && first?.[0] === 1 && first[1].count === repetitions) {
    return [entry(path, [...about, valueText(first[1], at === 1)])];
  }
  return [
    ...(about.length === 0 ? [] : [entry(path, about)]),
    ...parts.map(([component, seen]) =>
      entry(`${path}.${component}`, [
        ...(seen.count === repetitions ? ['required: true'] : []),
        valueText(seen, at === 1 && component === 1),
      ]),
    ),
  ];
}

const entry = (path: string, parts: readonly string[]): string =>
  `${path}: { ${parts.join(', ')} }`;

/** Only what qualifies a segment is written down as seen: other values may be of patients. */
function valueText({ codes, isNumber, longest }: SeenComponent, qualifies: boolean): string {
  if (!qualifies || codes === undefined) return `format: ${isNumber ? 'n' : 'an'}..${longest}`;
  const list = [...codes].toSorted().map((one) => (/^[A-Z]/.test(one) ? one : JSON.stringify(one)));
  return `codes: [${list.join(', ')}]`;
}
