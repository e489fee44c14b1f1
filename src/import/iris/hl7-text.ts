import { NoCounterpart, type Node } from './objectscript.ts';

/**
 * A text that a DTL writes is raw HL7: `"^^^MRN&1.2&ISO"` are components and subcomponents. Here a text is plain except for a
 * whole field with `^` in it, so the parts are written one by one, or the step is marked.
 */

type Written = readonly (readonly [place: string, text: string])[];

/** Sequences that plain text keeps as they are. */
const LAYOUT = /\\(?:\.[A-Za-z]{2}[+-]?\d*|[HN])\\/g;
const UNTOLD = 'writes separators or escapes of HL7';

const isHeld = (place: string): boolean => /^MSH-[12]$/.test(place);
const levelOf = (place: string): number => place.replace(/^[^-]*-/, '').split('.').length - 1;

/** The places that a fixed text is written to. */
export function rawPlaces(place: string, text: string): Written {
  const plain = text.replaceAll(LAYOUT, '');
  if (isHeld(place) || !/[\^~&\\|]/.test(plain)) return [[place, text]];
  const level = levelOf(place);
  if (plain.includes('|') || level > 1) throw new NoCounterpart(UNTOLD);
  if (level === 1) {
    if (/[\^~\\]/.test(plain)) throw new NoCounterpart(UNTOLD);
    return text.split('&').map((one, at) => [`${place}.${at + 1}`, one]);
  }
  if (plain.includes('~')) {
    if (place.endsWith(']')) throw new NoCounterpart(UNTOLD);
    return text.split('~').flatMap((one, at) => rawPlaces(`${place}[${at + 1}]`, one));
  }
  if (plain.includes('^')) return [[place, text]];
  if (plain.includes('\\')) throw new NoCounterpart(UNTOLD);
  return text.split('&').map((one, at) => [`${place}.1.${at + 1}`, one]);
}

/** Throws for an expression with a text in its result that would be plain here. */
export function checkJoined(place: string, node: Node): void {
  const all = textsOf(node).join('').replaceAll(LAYOUT, '');
  const isFine =
    levelOf(place) === 0 && all.includes('^') ? !/[~|]/.test(all) : !/[\^~&\\|]/.test(all);
  if (!isHeld(place) && !isFine) throw new NoCounterpart(UNTOLD);
}

/** The fixed texts that are in the result of an expression. */
function textsOf(node: Node): string[] {
  if (node.kind === 'text') return [node.value];
  if (node.kind === 'binary' && node.operator === '_')
    return [...textsOf(node.left), ...textsOf(node.right)];
  if (node.kind === 'choice') return node.cases.flatMap(([, value]) => textsOf(value));
  if (node.kind !== 'call') return [];
  if (/^(?:\.\.)?If$/i.test(node.name)) return node.given.slice(1).flatMap(textsOf);
  return /^(?:\.\.)?Lookup$/i.test(node.name) ? node.given.slice(2, 3).flatMap(textsOf) : [];
}

/** Throws for what asks for the mark between repetitions, which are never read together here. */
export function checkRepetitions(node: Node): void {
  for (const one of nodesIn(node))
    if (one.kind === 'text' && one.value.includes('~'))
      throw new NoCounterpart('divides or joins repetitions');
}

function nodesIn(node: Node): Node[] {
  const { kind } = node;
  if (kind === 'call') return [node, ...node.given.flatMap(nodesIn)];
  if (kind === 'binary') return [node, ...nodesIn(node.left), ...nodesIn(node.right)];
  if (kind === 'not' || kind === 'sign' || kind === 'pattern') return [node, ...nodesIn(node.of)];
  if (kind !== 'choice') return [node];
  const parts = [node.of, ...node.cases.flat()].filter((one) => one !== undefined);
  return [node, ...parts.flatMap(nodesIn)];
}
