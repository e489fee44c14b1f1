import { EngineError } from '../../error/engine-error.ts';
import type { Attribute, DataSet } from './data-set.ts';
import { ALL, type DicomPath, type DicomStep } from './dicom-path.ts';

/** The values of an attribute once one is set, or all of them. */
export function withValue(
  values: readonly string[],
  {
    last,
    compiled,
    value,
  }: {
    readonly last: DicomStep;
    readonly compiled: DicomPath;
    readonly value: string;
  },
): readonly string[] {
  const { text, component } = compiled;
  const at = Math.max(1, last.index);
  if (last.index > values.length + 1) throw gap(text, values.length);
  const whole = component === 0 ? value : withComponent(values[at - 1] ?? '', component, value);
  if (last.index > 0 || component > 0) return values.toSpliced(at - 1, 1, whole);
  return last.index === ALL ? values.map(() => whole) : [whole];
}

/** The first group of a name is that in letters; others, behind `=`, are ideographic and phonetic. */
export function componentOf(name: string, component: number): string {
  return (name.split('=')[0] ?? '').split('^')[component - 1] ?? '';
}

function withComponent(name: string, component: number, value: string): string {
  const [letters = '', ...others] = name.split('=');
  const parts = letters.split('^');
  while (parts.length < component) parts.push('');
  parts[component - 1] = value;
  return [parts.join('^').replace(/\^+$/, ''), ...others].join('=');
}

/** Refuses a place with others missing before it. */
export function gap(text: string, count: number): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `${text}: there are only ${count}, and the next would be ${count + 1}`,
  );
}

/** Attributes stand in the order of their numbers. */
export function insert({ attributes }: DataSet, attribute: Attribute): void {
  const at = attributes.findIndex(({ tag }) => tag > attribute.tag);
  attributes.splice(at < 0 ? attributes.length : at, 0, attribute);
}
