import { type X12Element, x12Segment, x12SegmentNames } from '../document/index.ts';

/** Something to write, and what it is. */
export interface PathChoice {
  readonly label: string;
  readonly detail: string;
  /** Markdown. */
  readonly documentation: string | undefined;
}

const LOOPS = String.raw`(?:[A-Z\d]+(?:\[[\d*#]*\])?/)`;
const SEGMENT = new RegExp(String.raw`^(${LOOPS}+)[A-Z\d]{0,3}$`);
const PLACE = new RegExp(
  String.raw`^(${LOOPS}*([A-Z][A-Z\d]{1,2})(?:\[[\d*#]*\])?-)(?:\d*|((\d+)(?:\[[\d*#]*\])?\.)\d*)$`,
);

/** What may follow at the end of a path of X12: segments below a loop, elements, components, as far as the guides use them. */
export function x12Choices(beginning: string): PathChoice[] {
  const [, loops] = SEGMENT.exec(beginning) ?? [];
  if (loops !== undefined)
    return x12SegmentNames().map((name) => ({
      label: `${loops}${name}`,
      detail: 'X12',
      documentation: undefined,
    }));
  const [, before = '', segment = '', within = '', element] = PLACE.exec(beginning) ?? [];
  const elements = x12Segment(segment)?.elements ?? [];
  const choices = element === undefined ? elements : elements[Number(element) - 1]?.components;
  return (choices ?? []).map((one, index) => ({
    label: `${before}${within}${index + 1}`,
    detail: factsOf(one),
    documentation: undefined,
  }));
}

const TYPES = {
  AN: 'text',
  ID: 'code',
  R: 'decimal',
  N: 'number',
  DT: 'date',
  TM: 'time',
  composite: 'composite',
  any: 'any',
} as const satisfies Record<X12Element['type'], string>;

function factsOf({ type, least, most, required, repetitions, components }: X12Element): string {
  return [
    TYPES[type],
    type === 'composite' ? `${components.length} components` : lengthOf(least, most),
    required ? 'required' : '',
    repetitions > 1 ? `up to ${repetitions} times` : '',
  ]
    .filter((one) => one !== '')
    .join(', ');
}

function lengthOf(least: number, most: number): string {
  if (!Number.isFinite(most) || most === 0) return '';
  return least === most ? `${most} characters` : `${least} to ${most} characters`;
}
