import { isX12Form } from '../document/edi/acknowledge/x12-acknowledgement.ts';
import { isEdiCheckLevel } from '../document/edi/check/finding.ts';
import type { EdifactProfile } from '../document/edi/profile/edifact-profile.ts';
import { FHIR_JSON } from '../document/fhir/fhir-json.ts';
import type { ExpressionEnvironment } from '../expression/environment.ts';
import type { Expression } from '../expression/expression.ts';
import type { ExpressionFacts } from '../expression/facts.ts';
import { Given, type GivenPath, type GivenReading } from '../expression/given.ts';
import { compileTemplate } from '../expression/template.ts';
import {
  type Declaration,
  DeclarativeTransform,
  type FindTransform,
} from './declarative-transform.ts';
import { type DeclaredType, declaredType } from './declared-type.ts';
import { readFromFhir } from './fhir/read-from-fhir.ts';
import { readToFhir } from './fhir/read-to-fhir.ts';
import { readSteps } from './read-steps.ts';
import { readSplit } from './split/read-split.ts';
import type { StepContext } from './step/step-reader.ts';
import type { Step } from './work.ts';

const KEYS = ['toFhir', 'fromFhir', 'split', 'start', 'type', 'name', 'steps', 'comment', 'title'];

export interface TransformReading extends GivenReading {
  /** Finds another transform when a message arrives: all are read by then. */
  readonly find: FindTransform;
}

/**
 * Reads a declarative transform, as a YAML file holds it. Reports every problem and leaves out what
 * is wrong; use the result only if there was none.
 *
 * @param path where it is; the paths of its problems begin with it
 */
export function readTransform(
  name: string,
  value: unknown,
  path: GivenPath,
  reading: TransformReading,
): DeclarativeTransform {
  const paths = writtenPaths(value, ['each', 'copy']);
  const around: string[] = [];
  const needs: string[] = [];
  const environment = noting(reading, (facts) => {
    paths.push(...facts.paths);
    if (facts.needsLoop && around.length === 0) needs.push('index() or following()');
  });
  const given = new Given(value, path, { ...reading, environment, loops: true });
  given.block('A transform', KEYS);
  const fhir = readToFhir(given.at('toFhir'));
  const wanted = readType(given.at('type')) ?? (fhir && declaredType(FHIR_JSON));
  const fromFhir = readFromFhir(given.at('fromFhir'), wanted, given.at('type'));
  // a type without an event leaves that to what the Bundle is about
  const type = fromFhir !== undefined && wanted?.hl7?.event === '' ? undefined : wanted;
  const split = readSplit(given.at('split'));
  const start = startOf(given, fhir, fromFhir);
  checkStart(given, start, type);
  paths.push(...beginningOf(given, start));
  const { steps, loops, calls } = stepsOf(given, {
    kind: fromFhir === undefined ? type?.kind : 'hl7',
    around,
    needs: (what) => needs.push(what),
  });
  const label = readLabel(given.at('name'));
  if (split !== undefined) paths.push(split.each);
  if (start === 'copy') paths.push(...writtenPaths(value, ['set', 'remove']));
  const declaration: Declaration = {
    start,
    type,
    split,
    label,
    steps,
    loops,
    calls,
    paths,
    writes: writtenPaths(value, ['set']),
    needs,
  };
  return new DeclarativeTransform(name, declaration, reading.find);
}

function startOf(
  given: Given,
  toFhir: ReturnType<typeof readToFhir>,
  fromFhir: ReturnType<typeof readFromFhir>,
): Declaration['start'] {
  if (toFhir !== undefined) return { toFhir };
  return fromFhir === undefined ? readStart(given.at('start')) : { fromFhir };
}

/** What FHIR is made of, or what is made of it: only such a body has these paths, so that check finds a rule that sends another. */
function beginningOf(given: Given, start: Declaration['start']): readonly string[] {
  if (typeof start !== 'object') return [];
  if ('fromFhir' in start) {
    checkBeginning(given, 'fromFhir', ['start', 'toFhir']);
    return ['/resourceType'];
  }
  if (!('toFhir' in start)) return [];
  checkBeginning(given, 'toFhir', ['start', 'type']);
  return ['MSH-9'];
}

/** What makes FHIR, or is made of it, begins with that. */
function checkBeginning(given: Given, key: string, others: readonly string[]): void {
  for (const other of others) {
    if (!given.at(other).isAbsent) {
      given.at(other).wrong(`${key} says how the new message begins; leave out ${other}.`);
    }
  }
}

const needsType = (start: Declaration['start']): boolean =>
  typeof start === 'object' ? 'body' in start || 'base64' in start : start === 'empty';

/** What cannot begin as the transform says. */
function checkStart(
  given: Given,
  start: Declaration['start'],
  type: DeclaredType | undefined,
): void {
  if (needsType(start) && given.at('type').isAbsent) {
    given.wrong('A transform without start: copy needs a type, such as ADT_A01:2.5.');
  }
  if (start !== 'empty') return;
  if (type?.kind === 'x12' || type?.kind === 'edifact') {
    given
      .at('start')
      .wrong('An interchange cannot begin empty. Write start: { body: … } with its envelope.');
  }
  if (type?.kind === 'xml') {
    given
      .at('start')
      .wrong('XML cannot begin empty. Write start: { body: "<order/>" } with its root element.');
  }
}

/** The steps of a transform, whether they may loop over segments, and the transforms they call. */
function stepsOf(
  given: Given,
  reader: Omit<StepContext, 'steps' | 'loops' | 'calls'>,
): { steps: readonly Step[]; loops: boolean; calls: readonly string[] } {
  let loops = false;
  const calls = new Set<string>();
  const written = given.at('steps');
  // a split, a text to begin with, an acknowledgement, FHIR or a name is something to do, also without steps
  const { value: start } = given.at('start');
  const needsNone =
    (typeof start === 'object' && start !== null) ||
    ['split', 'toFhir', 'fromFhir', 'name'].some((key) => !given.at(key).isAbsent);
  if (needsNone && written.isAbsent) return { steps: [], loops, calls: [] };
  const steps = readSteps(
    written,
    {
      ...reader,
      loops: () => {
        loops = true;
      },
      calls: (called) => {
        calls.add(called);
        loops = true;
      },
    },
    '',
  );
  return { steps, loops, calls: [...calls] };
}

/** The language, noting what expressions read. */
function noting(
  { environment }: TransformReading,
  note: (facts: ExpressionFacts) => void,
): ExpressionEnvironment {
  return {
    ...environment,
    compile(source, options) {
      const compiled = environment.compile(source, options);
      if (compiled.ok && compiled.expression.facts !== undefined) note(compiled.expression.facts);
      return compiled;
    },
  };
}

/** The paths under these keys of the steps, at any depth. */
function writtenPaths(value: unknown, keys: readonly string[]): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => {
    const own = keys.includes(key) ? [below].flat().filter((one) => typeof one === 'string') : [];
    return [...own, ...writtenPaths(below, keys)];
  });
}

function readType(given: Given): DeclaredType | undefined {
  if (given.isAbsent) return undefined;
  const text = given.text('type');
  const type = text === undefined ? undefined : declaredType(text);
  if (text !== undefined && type === undefined) {
    given.wrong(
      'type must be that of the new message: ADT_A01:2.3, X12:837P:005010X222A1, EDIFACT:MEDRPT, or a media type such as application/json.',
    );
  }
  return type;
}

function readStart(given: Given): Declaration['start'] {
  const { value } = given;
  if (given.isAbsent || value === 'copy') return 'copy';
  if (value === 'empty') return value;
  if (!given.at('acknowledge').isAbsent) return readAcknowledging(given);
  const encoded = given.at('base64');
  if (!encoded.isAbsent) {
    given.block('start', ['base64']);
    const base64 = encoded.expression('base64', 'string');
    return base64 === undefined ? 'empty' : { base64 };
  }
  const body = given.at('body').value;
  if (typeof body === 'string' && given.block('start', ['body'])) return { body };
  given.wrong(
    'start must be copy, empty, { body: TEXT } with the text to begin with, { base64: EXPRESSION } with what is to be decoded, or { acknowledge: guide }.',
  );
  return 'copy';
}

/** `{ acknowledge: guide, form: 999, errors: note }`, `{ acknowledge: guide, profile: lab }` */
function readAcknowledging(given: Given): Declaration['start'] {
  given.block('start', ['acknowledge', 'form', 'errors', 'profile']);
  const level = given.at('acknowledge');
  const form = given.at('form');
  const errors = given.at('errors');
  if (!isEdiCheckLevel(level.value)) level.wrong('acknowledge must be envelope, syntax or guide.');
  const wanted = form.isAbsent ? 'auto' : String(form.value);
  if (!isX12Form(wanted)) form.wrong('form must be auto, TA1, 997 or 999.');
  if (!errors.isAbsent && errors.value !== 'reject' && errors.value !== 'note') {
    errors.wrong('errors must be reject or note.');
  }
  return {
    acknowledge: isEdiCheckLevel(level.value) ? level.value : 'envelope',
    form: isX12Form(wanted) ? wanted : 'auto',
    errors: errors.value === 'note' ? 'note' : 'reject',
    profiles: given
      .at('profile')
      .items()
      .flatMap((one) => profileOf(one) ?? []),
  };
}

function profileOf(given: Given): EdifactProfile | undefined {
  const name = given.text('profile');
  const found = name === undefined ? undefined : given.reading.edifact?.(name);
  if (typeof found !== 'string') return found;
  given.wrong(found);
  return undefined;
}

function readLabel(given: Given): Expression<string> | undefined {
  if (given.isAbsent) return undefined;
  const text = given.text('name');
  if (text === undefined) return undefined;
  const compiled = compileTemplate(text, given.reading.environment);
  if (compiled.ok) return compiled.template;
  for (const { text: problem, offset } of compiled.problems) given.wrong(problem, offset);
  return undefined;
}
