import type { CodeList } from '../../document/text/code-list.ts';
import { type Pattern, pattern, patternProblem } from '../../document/text/pattern.ts';
import { nearest } from '../../error/nearest.ts';
import type { Given } from '../../expression/given.ts';
import type { LookupTables } from '../../lookup/lookup-tables.ts';
import type { ProfileRule } from './profile.ts';

/** What profiles of HL7 and of EDIFACT have in common as they are written. */

const RULE_KEYS = ['when', 'require', 'at', 'text', 'comment'];

/** The code tables of the production. */
export interface ProfileLookups {
  readonly tables: LookupTables;
  /** What is wrong with the name of one; undefined if it exists. */
  readonly problem: (name: string) => string | undefined;
}

/** The tables that codes may be in. */
export interface KnownTables {
  readonly tables: ReadonlyMap<string, CodeList>;
  readonly lookups: ProfileLookups;
}

export const entries = (given: Given, what: string): readonly [string, Given][] =>
  given.isAbsent ? [] : (given.mapping(what) ?? []);

/** The tables that a profile has of its own. */
export const tablesOf = (given: Given): KnownTables['tables'] =>
  new Map(entries(given, 'tables').map(([table, one]) => [table, codesOf(one, table)]));

export function codeListOf(given: Given, { tables, lookups }: KnownTables): CodeList | undefined {
  const [codes, table, lookup] = (['codes', 'table', 'lookup'] as const).map((key) =>
    given.at(key),
  ) as [Given, Given, Given];
  const written = [codes, table, lookup].filter(({ isAbsent }) => !isAbsent);
  if (written.length > 1) given.wrong('Write one of codes, table and lookup.');
  if (!codes.isAbsent) return codesOf(codes, undefined);
  if (!table.isAbsent) return tableOf(table, tables);
  return lookup.isAbsent ? undefined : lookupOf(lookup, lookups);
}

function tableOf(given: Given, tables: KnownTables['tables']): CodeList | undefined {
  const name = given.text('table');
  const found = name === undefined ? undefined : tables.get(name);
  if (name !== undefined && found === undefined) {
    const near = nearest(name, [...tables.keys()]);
    given.wrong(
      `There is no table ${name}. ${near === undefined ? `Add it under tables: { ${name}: [A, B] }.` : `Did you mean ${near}?`}`,
    );
  }
  return found;
}

/** What no table has for a value: it tells a missing code from one with an empty value. */
const NOTHING = '\u0000';

function lookupOf(given: Given, { tables, problem }: ProfileLookups): CodeList | undefined {
  const name = given.text('lookup');
  if (name === undefined) return undefined;
  const wrong = problem(name);
  if (wrong !== undefined) given.wrong(wrong);
  return {
    called: `lookup ${name}`,
    has: (code) => tables.lookup(name, code, NOTHING) !== NOTHING,
  };
}

function codesOf(given: Given, table: string | undefined): CodeList {
  const codes = new Set(
    given.items().map((one) => {
      // YAML reads 1 and true as values
      const { value } = one;
      if (typeof value === 'number' || typeof value === 'boolean') return String(value);
      return one.text('A code') ?? '';
    }),
  );
  if (codes.size === 0) given.wrong('A list of codes needs at least one.');
  const list = [...codes].slice(0, 10).join(', ');
  return {
    called: table === undefined ? `${list}${codes.size > 10 ? ', …' : ''}` : `table ${table}`,
    has: (code) => codes.has(code),
  };
}

export function patternOf(given: Given): Pattern | undefined {
  if (given.isAbsent) return undefined;
  const source = given.text('pattern');
  if (source === undefined) return undefined;
  // all of the value has to have the form
  const all = `^(?:${source})$`;
  const problem = patternProblem(all);
  if (problem !== undefined) {
    given.wrong(`${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`);
    return undefined;
  }
  return pattern(all);
}

export function ruleOf(given: Given): ProfileRule {
  given.block('A rule of a profile', RULE_KEYS);
  const require = given.at('require');
  const at = given.at('at');
  return {
    when: given.at('when').condition(),
    require: require.isAbsent ? undefined : require.expression('require', 'bool'),
    at: at.isAbsent ? undefined : at.text('at'),
    text: textOf(given, require.isAbsent),
  };
}

function textOf(given: Given, isBare: boolean): string {
  if (isBare) given.wrong('A rule of a profile needs require: an expression that must be true.');
  return given.at('text').text('The text of a rule, which says what is wrong,') ?? '';
}

export function flagOf(given: Given, key: string): boolean | undefined {
  return given.isAbsent ? undefined : given.flag(key);
}

export function numberOf(given: Given, key: string): number | undefined {
  if (given.isAbsent) return undefined;
  const { value } = given;
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100_000) {
    return Number(value);
  }
  given.wrong(`${key} must be a whole number.`);
  return undefined;
}
