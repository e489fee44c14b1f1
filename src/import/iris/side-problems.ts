import type { XmlNode } from '../../mirth/e4x/node.ts';
import type { TranslationReport } from './rules.ts';
import type { Side } from './sides.ts';
import { attribute, textOf } from './source-xml.ts';

/** What a person has to do because of what a DTL reads, makes or begins with; it is marked. */
export function sideProblems(
  source: Side,
  target: Side,
  create: string,
  { mark, look }: TranslationReport,
): string[] {
  const problems: string[] = [];
  for (const [name, side] of Object.entries({ source, target })) {
    const is = `the ${name} is an object of ${side.className}`;
    if (side.kind === 'other' || (side.kind === 'xml' && name === 'target')) {
      const text = `${is}: write the transform for it`;
      mark(name, 'messages of a class', text);
      problems.push(text);
    } else if (side.kind === 'object' && side.record === undefined)
      look(name, 'messages of a class', `${is}: it is JSON here, with the properties as names`);
  }
  if (create === 'existing') {
    const text = 'it changes an object that it is given: write it where that is made';
    mark('create', 'steps', text);
    problems.push(text);
  }
  return problems;
}

/** The type of a message that begins empty. */
export function madeType({ kind, type }: Side, { look }: TranslationReport): string {
  if (kind !== 'hl7') return 'application/json';
  const [category = '', structure = ''] = type.split(':');
  const version = /^\d\.\d(?:\.\d)?/.exec(category)?.[0];
  if (version !== undefined && structure !== '') return `${structure}:${version}`;
  const text = `its type ${type || 'of HL7'} is not one of the standard: 2.5.1 is assumed`;
  look('target', 'schemas', text);
  return structure === '' ? 'ADT_A01:2.5.1' : `${structure}:2.5.1`;
}

interface Call {
  readonly called: string;
  readonly objects: readonly [source: string, target: string];
  readonly isDeep: boolean;
  /** Whether the transform around it begins as a copy. */
  readonly isCopy: boolean;
}

/** Why the steps of a sub-transform cannot stand where it is called. */
export function callProblem(
  root: XmlNode | undefined,
  { called, objects: [source, target], isDeep, isCopy }: Call,
): string | undefined {
  if (root === undefined) return `${called}, which is not in the export`;
  if (isDeep) return `${called} in a ring`;
  if (!/^source\b/.test(source) || !/^target\b/.test(target))
    return `${called} with ${source} and ${target}`;
  const isNew = (attribute(root, 'create') || 'new') !== 'existing';
  return isNew && isCopy ? `${called}, which begins anew` : undefined;
}

/** What a step was, as the comment of its placeholder. */
export function originalOf(step: XmlNode): string {
  const said = ['property', 'value', 'condition', 'class', 'sourceObj', 'targetObj', 'action']
    .map((name) => attribute(step, name))
    .filter(Boolean);
  const own = said.length === 0 ? textOf(step).trim().slice(0, 2000) : said.join(' ← ');
  return `was ${step.name}: ${own}`;
}
