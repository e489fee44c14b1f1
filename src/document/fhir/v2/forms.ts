import { Buffer } from 'node:buffer';
import { attachmentOf, linkedOf } from './attachments.ts';
import { codeIn, localUri, systemUri } from './codes.ts';
import { codingOf, conceptOf, conceptText } from './concept.ts';
import { contactPoint } from './contact-point.ts';
import type { FormContext, FormOf } from './form-context.ts';
import { decimal, type Element } from './json.ts';
import type { Part } from './part.ts';
import { quantityOf, structuredNumeric, unitsOf } from './quantities.ts';
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

const boolean = (text: string): unknown => {
  const code = codeIn('YesNo', text)?.code;
  return code === undefined ? undefined : code === 'true';
};

const integer = (text: string): unknown => (/^[+]?\d{1,9}$/.test(text) ? Number(text) : undefined);

/** Every form that is not a table of rows. */
export const FORMS: Readonly<Record<string, FormOf>> = {
  string: simple((text) => text),
  markdown: (part) => plain(part.use()) || undefined,
  whole: (part) => {
    const text = part.leaves().length > 1 ? part.text : part.peek();
    part.useAll();
    return plain(text) || undefined;
  },
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
  const [name, id, type] = [1, 2, 3].map((number) => part.child(number)?.use());
  const own = (name === undefined ? undefined : systems[name]) ?? (id && systems[id]);
  const fallback = name === undefined ? id : name;
  return own ?? universalUri(id, type) ?? (fallback === undefined ? undefined : localUri(fallback));
}

/** The authority of EI, whose components 2 to 4 are an HD. */
function entityUri(part: Part, systems: FormContext['systems']): string | undefined {
  const [name, id, type] = [2, 3, 4].map((number) => part.child(number)?.use());
  const own = (name === undefined ? undefined : systems[name]) ?? (id && systems[id]);
  const fallback = name === undefined ? id : name;
  return own ?? universalUri(id, type) ?? (fallback === undefined ? undefined : localUri(fallback));
}

function universalUri(id: string | undefined, type: string | undefined): string | undefined {
  if (id === undefined) return undefined;
  if (/^[012](?:\.\d+)+$/.test(id)) return `urn:oid:${id}`;
  if (/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id)) return `urn:uuid:${id.toLowerCase()}`;
  if (/^[a-z][\w+.-]*:\S+$/i.test(id)) return id;
  return type === 'DNS' ? `urn:dns:${encodeURIComponent(id)}` : undefined;
}

/** Text of many repetitions, one a line. */
export function joinedLines(parts: readonly Part[]): string | undefined {
  return parts.map((part) => plain(part.use())).join('\n') || undefined;
}

/** One more line of a text, or of a text document. */
export function continued(name: 'more' | 'documentText', before: unknown, part: Part): unknown {
  const line = plain(part.use());
  if (name === 'more') return typeof before === 'string' ? `${before}\n${line}` : line;
  const document = (before ?? {}) as Element;
  const known =
    typeof document['data'] === 'string' && document['contentType'] === 'text/plain'
      ? `${Buffer.from(document['data'], 'base64').toString('utf8')}\n`
      : '';
  const data = Buffer.from(known + line, 'utf8').toString('base64');
  return { ...document, contentType: 'text/plain', data };
}
