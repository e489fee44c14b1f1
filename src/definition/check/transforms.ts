import { segmentsOf } from '../../document/hl7/validation/structure-match.ts';
import { HL7_VERSIONS, hasSegments, hl7Dictionary, kindOf } from '../../document/index.ts';
import type { Expression } from '../../expression/expression.ts';
import { isLikeHl7, pathProblem } from '../../expression/path-problem.ts';
import type { Send } from '../../rule/rule.ts';
import type { Declaration } from '../../transform/declarative-transform.ts';
import { declarationOf } from '../../transform/split-transform.ts';
import type { Definition, ProcessDefinition } from '../definition.ts';
import { type Keys, pathText, placeAt, valueAt } from '../written/written.ts';
import type { Checking } from './reach.ts';

/**
 * Finds transforms that cannot work on what a rule gives them: made for HL7 where only JSON
 * arrives, a copy of one kind that is to become another, segments that no message of the rule's
 * types has. What arrives is known from the literals of the rule's condition, or after another
 * transform from the type it makes.
 */
export function checkTransforms({ definition, written, problems }: Checking): void {
  for (const process of definition.processes.values()) {
    for (const { send, when, keys } of sendsOf(process)) {
      const at = ['processes', process.name, 'rules', ...keys];
      const path = valueAt(written, at) === undefined ? at.slice(0, 3) : at;
      const types = both(when?.facts?.types, send.when?.facts?.types);
      for (const { what, remedy, fatal } of chainProblems(definition, send.transforms, types)) {
        const report = fatal ? 'error' : 'warning';
        problems[report](placeAt(written, path), pathText(path), what, remedy);
      }
    }
  }
}

interface CheckedSend {
  readonly send: Send;
  readonly when: Expression<boolean> | undefined;
  /** Below `rules` of the process. */
  readonly keys: Keys;
}

function sendsOf({ rules }: ProcessDefinition): CheckedSend[] {
  return rules.flatMap((set) => {
    const base: Keys = rules.length === 1 && set.name === 'rules' ? [] : [set.name];
    const otherwise = typeof set.otherwise === 'string' ? [] : set.otherwise;
    return [
      ...set.rules.flatMap(({ send, when }, index) =>
        send.map((one) => ({ send: one, when, keys: [...base, index] })),
      ),
      ...otherwise.map((send) => ({
        send,
        when: undefined,
        keys: [...base, set.rules.length],
      })),
    ];
  });
}

type Types = readonly string[] | undefined;

function both(one: Types, other: Types): Types {
  if (one === undefined || other === undefined) return one ?? other;
  return one.filter((type) => other.includes(type));
}

interface Misfit {
  readonly what: string;
  readonly remedy: string;
  readonly fatal: boolean;
}

function chainProblems(
  { transforms }: Definition,
  chain: readonly string[],
  given: Types,
): Misfit[] {
  const problems: Misfit[] = [];
  let types = given;
  for (const name of chain) {
    const transform = transforms.get(name);
    const declaration = declarationOf(transform);
    if (declaration === undefined) {
      // code may make any type
      types = undefined;
      continue;
    }
    if (types !== undefined && types.length > 0) {
      const made = { name, declaration };
      const misfit = kindMisfit(made, types) ?? segmentMisfit(made, types);
      if (misfit !== undefined) problems.push(misfit);
    }
    if (repeatsControlId(declaration)) problems.push(equalControlIds(name));
    const { type } = declaration;
    if (type !== undefined) types = [nameOf(type.text)];
  }
  return problems;
}

/** A type as conditions name it: `ADT_A01` for HL7, `837P` for X12. */
const nameOf = (type: string): string =>
  /^(?:HL7v2|X12|EDIFACT):/.test(type) ? (type.split(':')[1] ?? type) : type;

const isHl7 = (type: string): boolean => kindNamed(type) === 'hl7';

/** Transaction sets have numbers, EDIFACT's messages six letters, those of HL7 three and an event. */
function kindNamed(type: string): string {
  if (type.includes('/')) return kindOf(type);
  if (/^(?:\d{3}[A-Z]{0,2}|TA1)$/.test(type)) return 'x12';
  return /^[A-Z]{6}$/.test(type) ? 'edifact' : 'hl7';
}

const isOfSegments = (type: string): boolean =>
  type.includes('/') ? hasSegments(kindOf(type)) : true;

interface Declared {
  readonly name: string;
  readonly declaration: Declaration;
}

/** HL7 that is split keeps the control id of the original message, unless a step writes another. */
function repeatsControlId({ split, type, calls, writes }: Declaration): boolean {
  const makesHl7 = type === undefined || type.kind === 'hl7';
  const ofHl7 = split !== undefined && pathProblem(split.each, 'hl7') === undefined && makesHl7;
  return ofHl7 && calls.length === 0 && !writes.some((path) => path.startsWith('MSH-10'));
}

const equalControlIds = (name: string): Misfit => ({
  what: `all messages that the transform ${name} makes from one have the same MSH-10, and receivers may take them for repetitions`,
  remedy: `Add the step { set: MSH-10, to: 'field("MSH-10") + "-" + string(part)' }.`,
  fatal: false,
});

function kindMisfit({ name, declaration }: Declared, types: readonly string[]): Misfit | undefined {
  const { start, type, paths } = declaration;
  const comes = types.join(', ');
  if (
    start === 'copy' &&
    type !== undefined &&
    !types.some((one) => kindNamed(one) === type.kind)
  ) {
    return {
      what: `the transform ${name} copies the message, which is ${comes}, and a copy cannot become ${nameOf(type.text)}`,
      remedy: 'Write start: empty in it, or send something else through it.',
      fatal: true,
    };
  }
  const path = paths.find(isLikeHl7);
  if (path === undefined || types.some(isOfSegments)) return undefined;
  return {
    what: `the transform ${name} is made for HL7 (it uses ${path}), but only ${comes} gets to it`,
    remedy: 'Use one that is made for that, or correct the condition.',
    fatal: true,
  };
}

/** A segment that it uses but that no arriving message has in any version. Only a warning: senders add segments. */
function segmentMisfit(
  { name, declaration }: Declared,
  types: readonly string[],
): Misfit | undefined {
  if (!types.every(isHl7)) return undefined;
  const missing = declaration.paths
    .filter((path) => isLikeHl7(path) && !path.startsWith('Z'))
    .map((path) => path.slice(0, 3))
    .find((segment) => !types.some((type) => mayHave(type, segment)));
  if (missing === undefined) return undefined;
  return {
    what: `the transform ${name} uses ${missing}, which no ${types.join(' or ')} has`,
    remedy: 'Check that the condition lets through the messages it is made for.',
    fatal: false,
  };
}

/** The most common one first: a dictionary is loaded when it is first needed. */
const VERSIONS = ['2.5.1', ...HL7_VERSIONS.filter((version) => version !== '2.5.1')];

/** Whether a type of message has the segment in any version; true for a type unknown to HL7. */
function mayHave(type: string, segment: string): boolean {
  let known = false;
  for (const version of VERSIONS) {
    const structure = hl7Dictionary(version)?.structure(type);
    if (structure === undefined) continue;
    known = true;
    if (segmentsOf(structure).has(segment)) return true;
  }
  return !known;
}
