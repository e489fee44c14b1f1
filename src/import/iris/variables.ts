import type { XmlNode } from '../../mirth/e4x/node.ts';
import { asText, type Cel } from './cel-value.ts';
import type { PathLoop } from './paths.ts';
import { UNDONE } from './rules.ts';

/** What a variable of a DTL stands for: an expression over the incoming message; undefined where it cannot be said. */
export type Variables = Map<string, Cel | undefined>;

/** Where steps are: in which loops, and what of their sub-transform stands for what of the whole. */
export interface Place {
  readonly loops: readonly PathLoop[];
  readonly variables: Variables;
  readonly objects: { readonly source: string; readonly target: string };
  readonly depth: number;
}

/** How long an expression may get by variables. */
export const LONGEST = 2_000;

export function restore(variables: Variables, before: Variables): void {
  variables.clear();
  for (const [name, value] of before) variables.set(name, value);
}

/** After a condition a variable has one value or the other. */
export function merge(otherwise: Variables, after: Variables, condition: string): void {
  for (const name of new Set([...otherwise.keys(), ...after.keys()])) {
    const [yes, no] = [after.get(name), otherwise.get(name) ?? asText('""')];
    const isKnown = after.has(name) && (!otherwise.has(name) || otherwise.get(name) !== undefined);
    const one = after.has(name) ? yes : asText('""');
    if (one?.text === no.text && isKnown) continue;
    const isSame = one !== undefined && one.type === no.type && isKnown && condition !== UNDONE;
    const text = `(${condition} ? ${one?.text ?? ''} : ${no.text})`;
    otherwise.set(name, isSame && text.length <= LONGEST ? { text, type: no.type } : undefined);
  }
}

/** Forgets what was written at a place, in it or around it; with `''` at all places. */
export function forget(variables: Variables, place: string): void {
  for (const name of variables.keys()) {
    const known = name.slice(1);
    if (name.startsWith('@') && (known.startsWith(place) || place.startsWith(known)))
      variables.set(name, undefined);
  }
}

/** In a loop paths mean its current part, and turns before may have written what is read: what is known of before means something else. */
export function forgetInLoop(variables: Variables, over: string): void {
  const isOther = `"${over.slice(0, 3)}-`;
  for (const [name, value] of variables)
    if (
      name.startsWith('@') ||
      /index\(\)/.test(value?.text ?? '') ||
      value?.text.includes(isOther)
    )
      variables.set(name, undefined);
}

/** After a loop nothing is known of what its turns set, nor of the places in `written`. */
export function leaveLoop(
  variables: Variables,
  inner: Variables,
  written: readonly string[],
): void {
  for (const name of inner.keys()) if (!variables.has(name)) variables.set(name, undefined);
  for (const place of written) forget(variables, place);
}

/** Variables that some step in there sets. */
export const assignedIn = (of: XmlNode): string[] =>
  of.children.flatMap((one) => {
    const property =
      one.name === 'assign'
        ? (one.attributes.find(({ name }) => name === 'property')?.value ?? '')
        : '';
    return [...(/^\w+$/.test(property) ? [property] : []), ...assignedIn(one)];
  });
