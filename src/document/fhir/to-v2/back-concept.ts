import { codeIn, isCodeTable, systemOfTable, tableUri } from '../v2/codes.ts';
import { type Element, isElement } from '../v2/json.ts';
import { backCode, systemName } from './back-codes.ts';
import type { BackContext, BackForm } from './back-context.ts';
import type { Cell } from './cell.ts';
import { below, entries, type Placed, textIn } from './uses.ts';

/** Where a CWE has its codes: code, display, system, version. */
const TRIPLES = [
  [1, 2, 3, 7],
  [4, 5, 6, 8],
  [10, 11, 12, 13],
] as const;

interface Code {
  /** The coding it stands for, and one that says the same. */
  readonly from: readonly Placed[];
  readonly code: string | undefined;
  readonly display: string | undefined;
  /** Undefined where the field itself says of which table it is. */
  readonly system: string | undefined;
  readonly version: string | undefined;
}

/** CodeableConcept as CWE, CE, IS or ID. */
export const conceptBack: BackForm = ({ value }, cell, context, table) => {
  if (!isElement(value)) return false;
  const codes = codesIn(entries(value, 'coding'), context, table);
  const wrote = codes.filter((code, at) => codeBack(code, cell, TRIPLES[at], context)).length > 0;
  return textBack(value, cell, context, codes) || wrote;
};

/** A Coding alone. */
export const codingBack: BackForm = (found, cell, context, table) => {
  const [code] = codesIn([found], context, table);
  return code !== undefined && codeBack(code, cell, TRIPLES[0], context);
};

/** A text that a reader of the concept would read. */
export const codeTextBack: BackForm = (found, cell, { uses }) => {
  const { value } = found;
  if (typeof value !== 'string' || !(cell.at(2) ?? cell).set(value)) return false;
  uses.use(found);
  return true;
};

function codesIn(
  found: readonly Placed[],
  { names }: BackContext,
  table: string | undefined,
): Code[] {
  const codings = found.filter(({ value }) => isElement(value));
  const codes = codings.map((one) => codeOf(one, names, table));
  // a code of the hospital beside what it means in FHIR is the code that v2 had
  const own = codes.find(({ code, system }, at) => {
    const meant = codes.find((_, other) => other !== at && isOfTable(codings[other], table));
    return system !== undefined && meant?.code !== undefined && isSame(table, code, meant.code);
  });
  if (own === undefined) return codes;
  const meant = codes.filter((one) => one.system === undefined && one !== own);
  const rest = codes.filter((one) => one !== own && !meant.includes(one));
  return [{ ...own, from: [...own.from, ...meant.flatMap(({ from }) => from)] }, ...rest];
}

const isSame = (table: string | undefined, one: string | undefined, other: string): boolean =>
  table !== undefined &&
  one !== undefined &&
  codeIn(table, one)?.code !== undefined &&
  codeIn(table, one)?.code === codeIn(table, other)?.code;

/** Whether a coding is of the code system that the field is of. */
function isOfTable(coding: Placed | undefined, table: string | undefined): boolean {
  if (table === undefined || !isElement(coding?.value)) return false;
  const system = textIn(coding.value, 'system');
  const code = textIn(coding.value, 'code');
  if (!isCodeTable(table)) return system === tableUri(table);
  const own = systemOfTable(table);
  const isOther = own !== undefined && system !== undefined && system !== own;
  return !isOther && code !== undefined && backCode(table, code) !== undefined;
}

function codeOf(found: Placed, names: BackContext['names'], table: string | undefined): Code {
  const coding = found.value as Element;
  const [code, display, system, version] = ['code', 'display', 'system', 'version'].map((name) =>
    textIn(coding, name),
  );
  const isBound = isOfTable(found, table);
  const own = isBound && code !== undefined && table !== undefined ? backCode(table, code) : code;
  return {
    from: [found],
    code: own ?? code,
    display,
    system: isBound || system === undefined ? undefined : systemName(system, names),
    version,
  };
}

function codeBack(
  { from, code, display, system, version }: Code,
  cell: Cell,
  at: (typeof TRIPLES)[number] | undefined,
  { uses }: BackContext,
): boolean {
  const shown = code ?? display;
  if (at === undefined || shown === undefined) return false;
  const wrote = cell.isPlain
    ? at === TRIPLES[0] && !(cell.isFixedCode && system !== undefined) && cell.set(shown)
    : partsBack([code, display, system, version], cell, at);
  if (wrote) for (const one of from) uses.useAll(one);
  return wrote;
}

function partsBack(
  texts: readonly (string | undefined)[],
  cell: Cell,
  at: readonly number[],
): boolean {
  const cells = at.map((number) => cell.at(number));
  if (cells.slice(0, 2).some((one) => one?.isEmpty !== true)) return false;
  for (const [index, text] of texts.entries()) if (text !== undefined) cells[index]?.set(text);
  return true;
}

/** What the concept says in words, if no code says it. */
function textBack(
  value: Element,
  cell: Cell,
  { uses }: BackContext,
  codes: readonly Code[],
): boolean {
  const found = below(value, 'text');
  const text = textIn(value, 'text');
  if (found === undefined || text === undefined) return false;
  const isSaid = codes.some(({ display, code }) => display === text || code === text);
  if (!isSaid && !wordsBack(text, cell, codes.length > 0)) return false;
  uses.use(found);
  return !isSaid;
}

/** Where a field has room for words beside its code. */
function wordsBack(text: string, cell: Cell, hasCode: boolean): boolean {
  if (cell.isPlain) return !hasCode && !cell.isFixedCode && cell.set(text);
  const display = cell.at(2);
  if (display?.isEmpty === true) return display.set(text);
  return cell.at(9)?.set(text) === true;
}
