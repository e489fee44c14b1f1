import { type Coding, type Concept, codeIn, isCodeTable, systemUri, tableUri } from './codes.ts';
import type { FormContext } from './form-context.ts';
import type { Part } from './part.ts';

/** Where a CWE has its three codes: code, display, system, version. */
const TRIPLES = [
  [1, 2, 3, 7],
  [4, 5, 6, 8],
  [10, 11, 12, 13],
] as const;

/**
 * CE, CWE, CNE, IS and ID as a CodeableConcept. With a table of codes, what its first code means in
 * FHIR stands first.
 *
 * @param table a table of codes, or the number of the HL7 table of a code that names no system
 */
export function conceptOf(
  part: Part,
  { systems }: FormContext,
  table: string | undefined,
): Concept | undefined {
  const found = TRIPLES.flatMap((at, index) => {
    const coding = codingAt(part, at, systems);
    return coding === undefined ? [] : [{ coding, isFirst: index === 0 }];
  });
  const codings: Coding[] = [];
  for (const { coding, isFirst } of found) {
    if (isFirst && table !== undefined) codings.push(...meant(coding, table));
    else codings.push(coding);
  }
  const coded = codings.filter(({ code }) => code !== undefined);
  const said = part.child(9)?.use();
  const [first] = found;
  const text = said ?? (coded.length === 0 ? first?.coding.display : undefined);
  if (coded.length === 0 && text === undefined) return undefined;
  return { ...(coded.length > 0 && { coding: coded }), ...(text !== undefined && { text }) };
}

/** The first code alone. */
export function codingOf(
  part: Part,
  context: FormContext,
  table: string | undefined,
): Coding | undefined {
  return conceptOf(part, context, table)?.coding?.[0];
}

/** What a reader of the concept would read. */
export function conceptText(part: Part): string | undefined {
  return (
    part.child(9)?.use() ?? part.child(2)?.use() ?? part.child(5)?.use() ?? part.child(1)?.use()
  );
}

function codingAt(
  part: Part,
  at: (typeof TRIPLES)[number],
  systems: Readonly<Record<string, string>>,
): Coding | undefined {
  const [code, display, system, version] = at.map((number) => part.child(number)?.use());
  if (code === undefined && display === undefined) return undefined;
  const uri = systemUri(system ?? '', systems);
  return {
    ...(uri !== undefined && { system: uri }),
    ...(version !== undefined && code !== undefined && { version }),
    ...(code !== undefined && { code: code.replaceAll(/\s+/g, ' ') }),
    ...(display !== undefined && { display }),
  };
}

/** The code by its table, and as it came where that is another. */
function meant(coding: Coding, table: string): Coding[] {
  const { code, system } = coding;
  if (!isCodeTable(table)) {
    return system === undefined && code !== undefined && /^\d+$/.test(table)
      ? [{ system: tableUri(table), ...coding }]
      : [coding];
  }
  const found = code === undefined ? undefined : codeIn(table, code);
  if (found === undefined) return [coding];
  if (found.code === code) return [{ ...coding, ...found }];
  return [found, coding];
}
