import type { Definition } from '../definition.ts';
import type { GivenMessage, PlacedCase } from '../grammar/test-form.ts';
import { type Problems, suggestion } from '../problem.ts';

/** What must be true of the cases before one is run: names that exist, a message, something that is expected. */
export function checkCases(
  cases: readonly PlacedCase[],
  definition: Definition,
  problems: Problems,
): void {
  const seen = new Set<string>();
  for (const one of cases) {
    const report = (what: string, remedy: string): void =>
      problems.error(one.place, one.name ?? 'case', what, remedy);
    if (one.name !== undefined && seen.has(one.name)) {
      report('another case has the same name', 'Give each a name that says how they differ.');
    }
    seen.add(one.name ?? '');
    for (const given of [one, ...(one.next ?? [])]) {
      checkMessage({ ...given, in: given.in ?? one.in }, definition, report);
    }
    checkExpectations(one, definition, report);
  }
}

type Report = (what: string, remedy: string) => void;

function checkMessage(
  { in: service, message, text }: GivenMessage,
  { services }: Definition,
  report: Report,
): void {
  if ((message === undefined) === (text === undefined)) {
    report('needs a message', 'Write message: with a file, or text: with the message itself.');
  }
  if (service === undefined && services.size > 1) {
    report('does not say which service gets the message', suggestion('', services.keys()));
  } else if (service !== undefined && !services.has(service)) {
    report(`there is no service ${service}`, suggestion(service, services.keys()));
  }
}

function checkExpectations(one: PlacedCase, definition: Definition, report: Report): void {
  const { expect, rules, discarded, suspended, reply } = one;
  if ([expect, rules, discarded, suspended, reply].every((part) => part === undefined)) {
    report('expects nothing', 'Write expect:, rules:, discarded:, suspended: or reply:.');
  }
  const { processes, operations, lookups } = definition;
  for (const { kind, names, known } of [
    {
      kind: 'target',
      names: [...keysOf(expect), ...keysOf(one.calls)],
      known: [...processes.keys(), ...operations.keys()],
    },
    {
      kind: 'process',
      names: [...keysOf(rules), ...(discarded ?? []), ...keysOf(suspended)],
      known: [...processes.keys()],
    },
    { kind: 'lookup', names: keysOf(one.lookups), known: lookups.names },
    ...[...(rules ?? [])].map(([process, { value }]) => ({
      kind: `rule in ${process}:`,
      names: value,
      known: ruleNames(definition, process),
    })),
  ]) {
    for (const name of names) {
      if (!known.includes(name)) report(`there is no ${kind} ${name}`, suggestion(name, known));
    }
  }
}

function keysOf(entries: ReadonlyMap<string, unknown> | undefined): readonly string[] {
  return [...(entries?.keys() ?? [])];
}

function ruleNames({ processes }: Definition, process: string): string[] {
  const sets = processes.get(process)?.rules ?? [];
  return sets.flatMap((set) =>
    set.rules.map(({ name }) => (sets.length > 1 ? `${set.name}: ${name}` : name)),
  );
}
