import { Buffer } from 'node:buffer';
import {
  type Coding,
  type Concept,
  codeIn,
  isCodeTable,
  localUri,
  systemUri,
  tableUri,
} from './codes.ts';
import type { FormContext, FormOf } from './form-context.ts';
import { decimal, type Element } from './json.ts';
import type { Part } from './part.ts';
import { fhirDate, fhirDateTime, fhirInstant, fhirTimeOfDay } from './times.ts';

const REQUIRED_TEXT = 1_048_576;

/** A simple form: its value counts as used only if it could be written. */
function simple(write: (text: string, context: FormContext) => unknown): FormOf {
  return (part, context) => {
    const text = part.peek();
    const value = text === '' ? undefined : write(text, context);
    if (value !== undefined) part.use();
    return value;
  };
}

/** `\.br\` and its like begin a line; other layout is dropped. */
const plain = (text: string): string =>
  text
    .replaceAll(/\\\.(?:br|sp|ce)[+-]?\d*\\/gi, '\n')
    .replaceAll(/\\(?:\.(?:fi|nf|in|ti|sk)[+-]?\d*|H|N)\\/gi, '')
    .slice(0, REQUIRED_TEXT);

/** A text has no components: what a sender did not escape in it (`A & B`) is of the text. */
function wholeText(part: Part): string {
  const text = part.leaves().length > 1 ? part.text.trim() : part.peek();
  part.useAll();
  return plain(text);
}

const boolean = (text: string): unknown => {
  const code = codeIn('YesNo', text)?.code;
  return code === undefined ? undefined : code === 'true';
};

const integer = (text: string): unknown => (/^[+]?\d{1,9}$/.test(text) ? Number(text) : undefined);

/** Every form that is not a table of rows. */
export const FORMS: Readonly<Record<string, FormOf>> = {
  string: simple((text) => text),
  markdown: (part) => wholeText(part) || undefined,
  code: (part, context, table) => codeForm(table)(part, context, table),
  coding: codingOf,
  CWE: conceptOf,
  codeText: conceptText,
  system: simple((text, { systems }) => systemUri(text, systems)),
  plainSystem: simple((text, { systems }) => systems[text] ?? localUri(text)),
  boolean: simple(boolean),
  integer: simple(integer),
  positiveInt: simple((text) => (Number(text) > 0 ? integer(text) : undefined)),
  decimal: simple(decimal),
  dose: simple((text) => (text === '999' ? undefined : decimal(text))),
  days: simple((text) => {
    const value = decimal(text);
    return value === undefined
      ? undefined
      : { value, unit: 'days', system: 'http://unitsofmeasure.org', code: 'd' };
  }),
  date: simple(fhirDate),
  dateTime: simple((text, { clock }) => fhirDateTime(text, clock)),
  timed: simple((text, { clock }) => (text.length > 8 ? fhirDateTime(text, clock) : undefined)),
  instant: simple((text, { clock }) => fhirInstant(text, clock)),
  time: simple(fhirTimeOfDay),
  authority: (part, { systems }) => authorityUri(part, systems),
  entitySystem: (part, { systems }) => entityUri(part, systems),
  assigner: (part) => {
    const name = part.child(1)?.use();
    return name === undefined ? undefined : { display: name };
  },
  universalId: simple((text) => (/^[012](?:\.\d+)+$/.test(text) ? `urn:oid:${text}` : text)),
  identifierType: simple((code) => ({
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code }],
  })),
  endpoint: (part) => {
    const uri = universalUri(part.child(2)?.peek(), part.child(3)?.peek());
    if (uri !== undefined) for (const number of [2, 3]) part.child(number)?.use();
    return uri;
  },
  XTN: contactPoint,
  mailBeside,
  Units: unitsOf,
  quantity: quantityOf,
  SN: structuredNumeric,
  ED: attachmentOf,
  RP: linkedOf,
};

/** A code as it is, or by a table. */
function codeForm(table: string | undefined): FormOf {
  return simple((text) => {
    if (table === undefined) return /^\S+(?: \S+)*$/.test(text) ? text : undefined;
    return codeIn(table, text)?.code;
  });
}

/** HD as the `system` of an identifier. */
function authorityUri(part: Part, systems: FormContext['systems']): string | undefined {
  return namespaceUri([part.child(1), part.child(2), part.child(3)], systems);
}

/** The authority of EI, whose components 2 to 4 are an HD. */
function entityUri(part: Part, systems: FormContext['systems']): string | undefined {
  return namespaceUri([part.child(2), part.child(3), part.child(4)], systems);
}

/** The URI of an HD: its name, id and type. An id that is no URI is left out beside a name, and so counts as not mapped. */
function namespaceUri(
  parts: readonly [Part | undefined, Part | undefined, Part | undefined],
  systems: FormContext['systems'],
): string | undefined {
  const [name = '', id = '', type] = parts.map((part) => part?.peek());
  const found = systems[name] ?? systems[id] ?? universalUri(id, type);
  const used = found === undefined && isBeside(id, name) ? parts.slice(0, 1) : parts;
  for (const part of used) part?.use();
  return found ?? namedUri(name || id);
}

/** Whether an id says something else than the name that stands before it. */
const isBeside = (id: string, name: string): boolean => name !== '' && id !== '' && id !== name;

const namedUri = (name: string): string | undefined => (name === '' ? undefined : localUri(name));

function universalUri(id = '', type?: string): string | undefined {
  if (id === '') return undefined;
  if (/^[012](?:\.\d+)+$/.test(id)) return `urn:oid:${id}`;
  if (/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id)) return `urn:uuid:${id.toLowerCase()}`;
  if (/^[a-z][\w+.-]*:\S+$/i.test(id)) return id;
  return type === 'DNS' ? `urn:dns:${encodeURIComponent(id)}` : undefined;
}

/** Text of many repetitions, one a line. */
export function joinedLines(parts: readonly Part[]): string | undefined {
  return parts.map(wholeText).join('\n') || undefined;
}

/** One more line of a text, or of a text document. */
export function continued(name: 'more' | 'documentText', before: unknown, part: Part): unknown {
  const line = wholeText(part);
  if (name === 'more') return typeof before === 'string' ? `${before}\n${line}` : line;
  const document = (before ?? {}) as Element;
  const known =
    typeof document['data'] === 'string' && document['contentType'] === 'text/plain'
      ? `${Buffer.from(document['data'], 'base64').toString('utf8')}\n`
      : '';
  const data = Buffer.from(known + line, 'utf8').toString('base64');
  return { ...document, contentType: 'text/plain', data };
}

/** ED as an Attachment: its data in base64, whatever it came in. */
function attachmentOf(part: Part): Element | undefined {
  const encoding = part.child(4)?.use().toLowerCase() ?? '';
  const text = part.child(5)?.use();
  if (text === undefined) return undefined;
  part.child(1)?.use();
  return { contentType: contentType(part), data: inBase64(text, encoding) };
}

/** RP as an Attachment that is elsewhere. */
function linkedOf(part: Part, _context: FormContext): Element | undefined {
  const url = part.child(1)?.use();
  if (url === undefined) return undefined;
  part.child(2)?.use();
  return { contentType: contentType(part), url };
}

function contentType(part: Part): string | undefined {
  const subtype = part.child(3)?.use();
  const type = part.child(2)?.use();
  if (subtype !== undefined) {
    const found = codeIn('ContentSubtype', subtype)?.code;
    if (found !== undefined) return found;
    if (subtype.includes('/')) return subtype;
  }
  if (type === undefined) return undefined;
  if (type.includes('/')) return type;
  return codeIn('ContentSubtype', type)?.code ?? codeIn('ContentType', type)?.code;
}

function inBase64(text: string, encoding: string): string {
  const bare = text.replaceAll(/\s|\\\.br\\/g, '');
  if (encoding === 'base64' && /^[A-Za-z\d+/]*={0,2}$/.test(bare)) return padded(bare);
  const isHex = encoding === 'hex' && /^(?:[\da-f]{2})+$/i.test(bare);
  return Buffer.from(isHex ? bare : text, isHex ? 'hex' : 'utf8').toString('base64');
}

const padded = (text: string): string => {
  const body = text.replace(/=+$/, '');
  return body + '='.repeat((4 - (body.length % 4)) % 4);
};

/** CWE as the unit of a Quantity. */
function unitsOf(part: Part, { systems }: FormContext): Element | undefined {
  const [code, text, name] = [1, 2, 3].map((number) => part.child(number)?.use());
  if (code === undefined && text === undefined) return undefined;
  const system = name === undefined ? undefined : systemUri(name, systems);
  const isCoded = code !== undefined && system !== undefined;
  return { unit: text ?? code, ...(isCoded && { system, code }) };
}

const COMPARED = /^(<=|>=|<|>)\s*(.+)$/;

/** A number, perhaps with a comparison before it, which v2 does not allow and laboratories send. */
function quantityOf(part: Part): Element | undefined {
  const [, comparator, rest] = COMPARED.exec(part.peek()) ?? [];
  const value = decimal(rest ?? part.peek());
  if (value === undefined) return undefined;
  part.use();
  return { ...(comparator !== undefined && { comparator }), value };
}

/** SN: a comparison, range or ratio; what is none of them as text. */
function structuredNumeric(part: Part): Element | undefined {
  const [comparator, first, separator, second] = [1, 2, 3, 4].map((at) => part.child(at)?.peek());
  const made = numeric({ comparator, first, separator, second });
  if (made !== undefined) part.useAll();
  return made;
}

interface Numeric {
  readonly comparator: string | undefined;
  readonly first: string | undefined;
  readonly separator: string | undefined;
  readonly second: string | undefined;
}

function numeric(given: Numeric): Element | undefined {
  const { comparator, first, separator, second } = given;
  const text = [comparator, first, separator, second].filter((one) => one !== undefined).join(' ');
  if (comparator === '<>') return { valueString: text };
  const low = first === undefined ? undefined : decimal(first);
  const high = second === undefined ? undefined : decimal(second);
  const compared =
    comparator !== undefined && /^[<>]=?$/.test(comparator) ? { comparator } : undefined;
  if (low !== undefined && separator === undefined) {
    return { valueQuantity: { ...compared, value: low } };
  }
  if (low !== undefined && high !== undefined) {
    const pair = between(separator, { ...compared, value: low }, { value: high });
    if (pair !== undefined) return pair;
  }
  return text === '' ? undefined : { valueString: text };
}

function between(separator: string | undefined, low: Element, high: Element): Element | undefined {
  if (separator === '-' && low['comparator'] === undefined) {
    return { valueRange: { low, high } };
  }
  const isRatio = separator === ':' || separator === '/';
  return isRatio ? { valueRatio: { numerator: low, denominator: high } } : undefined;
}

const EXTENSION = 'http://hl7.org/fhir/StructureDefinition/contactpoint-';

/** The parts of a telephone number that FHIR keeps as extensions. */
const NUMBER_PARTS = [
  [5, 'country'],
  [6, 'area'],
  [7, 'local'],
  [8, 'extension'],
] as const;

/** XTN as a ContactPoint; undefined if it has no number or address. */
function contactPoint(part: Part): Element | undefined {
  const isMail = isMailAddress(part);
  const value = isMail ? mailAddress(part) : telephone(part);
  if (value === undefined) return undefined;
  const equipment = part.child(3)?.use();
  const system = equipment === undefined ? undefined : codeIn('TelecomSystem', equipment)?.code;
  return {
    extension: isMail ? [] : numberParts(part),
    system: isMail ? 'email' : (system ?? 'phone'),
    value,
    use: equipment === 'CP' ? 'mobile' : useOf(part),
    rank: rankOf(part),
  };
}

function isMailAddress(part: Part): boolean {
  const equipment = part.child(3)?.peek();
  if (equipment === undefined) return part.child(4) !== undefined;
  return codeIn('TelecomSystem', equipment)?.code === 'email';
}

/** The mail address that stands beside a telephone number in one XTN. */
function mailBeside(part: Part): Element | undefined {
  if (isMailAddress(part) || part.child(4)?.peek().includes('@') !== true) return undefined;
  return { system: 'email', value: part.child(4)?.use() };
}

function useOf(part: Part): string | undefined {
  const use = part.child(2)?.peek();
  const found = use === undefined ? undefined : codeIn('TelecomUse', use)?.code;
  if (found !== undefined) part.child(2)?.use();
  return found;
}

function mailAddress(part: Part): string | undefined {
  return part.child(4)?.use() ?? part.child(1)?.use() ?? part.child(12)?.use();
}

function telephone(part: Part): string | undefined {
  const [country, area, local, extension] = NUMBER_PARTS.map(([at]) => part.child(at)?.use());
  const whole = part.child(12)?.use() ?? part.child(1)?.use();
  if (whole !== undefined) return whole;
  if (local === undefined) return part.child(4)?.use();
  const parts = [
    country === undefined ? undefined : `+${country.replace(/^\+/, '')}`,
    area,
    local,
    extension === undefined ? undefined : `X${extension}`,
  ];
  return parts.filter((one) => one !== undefined).join(' ');
}

function numberParts(part: Part): Element[] {
  return NUMBER_PARTS.flatMap(([at, name]) => {
    const value = part.child(at)?.peek();
    return value === undefined ? [] : [{ url: `${EXTENSION}${name}`, valueString: value }];
  });
}

function rankOf(part: Part): number | undefined {
  const rank = Number(part.child(18)?.use());
  return Number.isInteger(rank) && rank > 0 ? rank : undefined;
}

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
function conceptOf(
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
function codingOf(part: Part, context: FormContext, table: string | undefined): Coding | undefined {
  return conceptOf(part, context, table)?.coding?.[0];
}

/** What a reader of the concept would read. */
function conceptText(part: Part): string | undefined {
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
