import { type Hl7Dictionary, hl7Dictionary } from '../../document/hl7/dictionary/dictionary.ts';

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** The dictionary of a schema such as `2.5.1`; for a custom schema, the newest common one. */
const dictionaryOf = (category: string): Hl7Dictionary | undefined =>
  hl7Dictionary(/^(\d\.\d(?:\.\d)?)/.exec(category)?.[1] ?? '2.5.1') ?? hl7Dictionary('2.5.1');

/**
 * Translates a path into a virtual document, `PIDgrp.PID:PatientName(1).familyname`, to `PID-5[1].1`. Names of
 * groups say nothing here: a segment is found wherever it stands. Undefined if a name is unknown.
 */
export function hl7PathOf(given: string, category: string): string | undefined {
  const [place = '', inner = ''] = given.split(':');
  const last = place.split('.').at(-1) ?? '';
  const [, segment = '', which = ''] = /^([A-Z][A-Z0-9]{2})(?:\((\w*)\))?$/.exec(last) ?? [];
  if (segment === '' || /[a-z]/i.test(which)) return undefined;
  const at = which === '' || which === '1' ? segment : `${segment}[${which}]`;
  const part = inner === '' ? '' : fieldOf(inner, segment, category);
  return part === undefined ? undefined : at + part;
}

function fieldOf(inner: string, segment: string, category: string): string | undefined {
  const dictionary = dictionaryOf(category);
  const [field = '', ...components] = inner.split('.');
  const [, name = '', repetition = ''] = /^(\w+)(?:\((\w*)\))?$/.exec(field) ?? [];
  if (/[a-z]/i.test(repetition)) return undefined;
  const fields = dictionary?.fields(segment);
  const number = numberOf(
    name,
    fields?.map((one) => one.name),
  );
  if (number === undefined) return undefined;
  const repeated = repetition === '' ? '' : `[${repetition}]`;
  const parts = componentsOf(components, fields?.[number - 1]?.type ?? '', dictionary);
  return parts === undefined ? undefined : `-${number}${repeated}${parts}`;
}

function numberOf(name: string, known: readonly string[] | undefined): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  const wanted = plain(name);
  const exact = known?.findIndex((one) => plain(one) === wanted) ?? -1;
  if (exact >= 0) return exact + 1;
  const near = (known ?? []).flatMap((one, index) =>
    plain(one).startsWith(wanted) || wanted.startsWith(plain(one)) ? [index + 1] : [],
  );
  return near.length === 1 ? near[0] : undefined;
}

function componentsOf(
  names: readonly string[],
  type: string,
  dictionary: Hl7Dictionary | undefined,
): string | undefined {
  let at = type;
  let made = '';
  for (const name of names) {
    const known = dictionary?.components(at);
    const number = numberOf(
      name,
      known?.map((one) => one.name),
    );
    if (number === undefined) return undefined;
    made += `.${number}`;
    at = known?.[number - 1]?.type ?? '';
  }
  return made;
}
