import type { Expression } from '../../expression/expression.ts';
import type { Definition } from '../definition.ts';
import { suggestion } from '../problem.ts';
import { type Keys, pathText, placeAt } from '../written/written.ts';
import type { Checking } from './reach.ts';

/**
 * Rules that can take no message whatever comes: their condition compares the type, the event or the source with what
 * none ever is. What such a rule is for goes to another one, or is discarded, and its sender is told that all is well.
 */
export function warnOfNever({ definition, written, problems }: Checking): void {
  for (const { when, keys } of conditionsOf(definition)) {
    const { types, events, sources } = when.facts ?? {};
    const never =
      firstOf(types, neverType) ??
      firstOf(events, neverEvent) ??
      firstOf(sources, neverSource(definition));
    if (never === undefined) continue;
    problems.warning(placeAt(written, keys), pathText(keys), never.what, never.remedy);
  }
}

interface Condition {
  readonly when: Expression<boolean>;
  readonly keys: Keys;
}

const conditionsOf = ({ processes }: Definition): Condition[] =>
  [...processes.values()].flatMap(({ name, rules }) =>
    rules.flatMap((set) => {
      const base = rules.length === 1 && set.name === 'rules' ? [] : [set.name];
      return set.rules.flatMap(({ when }, index) =>
        when === undefined
          ? []
          : [{ when, keys: ['processes', name, 'rules', ...base, index, 'when'] }],
      );
    }),
  );

interface Never {
  readonly what: string;
  readonly remedy: string;
}

function firstOf(
  texts: readonly string[] | undefined,
  judge: (text: string) => Never | undefined,
): Never | undefined {
  for (const text of texts ?? []) {
    const never = judge(text);
    if (never !== undefined) return never;
  }
  return undefined;
}

/** HL7 types that are nothing without their event. */
const WITH_EVENT: ReadonlySet<string> = new Set(
  'ADT BAR DFT MDM MFN OMG OML OMP ORL ORM ORU QBP RAS RDE RDS RSP SIU VXU'.split(' '),
);

/** What is meant as a type of HL7, X12 or EDIFACT; a service and code may give any other name. */
const OF_STANDARD = /^(?:(?:HL7v2|X12|EDIFACT):.|[A-Z]{3}[_^][A-Z]\d\d(?:$|\^))/i;

function neverType(type: string): Never | undefined {
  const code = type.toUpperCase();
  if (!OF_STANDARD.test(type) && !WITH_EVENT.has(code)) return undefined;
  const what = `no message has the type ${type}`;
  if (WITH_EVENT.has(code)) {
    return {
      what,
      remedy: `Write type.startsWith("${code}_"), or name the event, as in ${code}_A01.`,
    };
  }
  const [, plain = type] = /^(?:HL7v2|X12|EDIFACT):([^:]*)/.exec(type) ?? [];
  const right = plain.replaceAll('^', '_').toUpperCase();
  return right === type ? undefined : { what, remedy: `Write ${right}.` };
}

function neverEvent(event: string): Never | undefined {
  if (/^[A-Z0-9]{0,3}$/.test(event)) return undefined;
  const what = `no message has the event ${event}`;
  const code = /^[A-Z0-9]{3}[_^]([A-Z0-9]{3})/i.exec(event)?.[1] ?? event;
  const right = code.toUpperCase();
  if (right === event) return { what, remedy: 'An event has three characters, such as A01.' };
  return { what, remedy: `Write ${right}.` };
}

const neverSource =
  ({ services, processes, operations }: Definition) =>
  (source: string): Never | undefined => {
    const names = [...services.keys(), ...processes.keys(), ...operations.keys()];
    // what people, alerts and tests send has no host
    if (source === '' || source === 'waybill' || names.includes(source)) return undefined;
    return { what: `there is no host ${source}`, remedy: suggestion(source, names) };
  };
