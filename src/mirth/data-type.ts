import { append, element, text, toXml, trimmed, type XmlNode } from './e4x/node.ts';
import { isXml, nodesOf, parseXml, type Xml, xmlOf } from './e4x/xml.ts';
import { plainTextOf } from './plain-text.ts';

/** The form in which a script sees a message. */
export type DataType = 'HL7V2' | 'XML' | 'JSON' | 'DELIMITED' | 'RAW';

export interface DelimitedSettings {
  readonly columnDelimiter?: string;
  readonly recordDelimiter?: string;
  readonly quoteToken?: string;
  readonly columnNames?: readonly string[];
}

export interface DataSettings extends DelimitedSettings {
  readonly stripNamespaces?: boolean;
}

/** The message as a script sees it: HL7, XML and delimited text as E4X, JSON as an object, anything else as text. */
export function readData(type: DataType, body: string, settings: DataSettings = {}): Xml {
  if (type === 'HL7V2') return xmlOf(hl7Tree(body));
  if (type === 'XML') {
    return parseXml(body, { stripNamespaces: settings.stripNamespaces ?? false });
  }
  if (type === 'JSON') return body.trim() === '' ? {} : JSON.parse(body);
  return type === 'DELIMITED' ? xmlOf(delimitedTree(body, settings)) : body;
}

/** The text of a message that a script has changed. */
export function writeData(type: DataType, value: unknown, settings: DataSettings = {}): string {
  if (typeof value === 'string') return value;
  const [root] = isXml(value) ? nodesOf(value) : [];
  if (type === 'HL7V2' && root?.kind === 'element') return hl7Text(root);
  if (type === 'DELIMITED' && root?.kind === 'element') return delimitedText(root, settings);
  if (root?.kind === 'element') return toXml(root);
  if (isXml(value)) return plainTextOf(value);
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return plainTextOf(value ?? '');
}

/** The output of a transformer, before it is serialised in its data type. */
export function transformedText(value: unknown): string {
  if (typeof value === 'string') return value;
  const [root] = isXml(value) ? nodesOf(value) : [];
  if (root?.kind === 'element') return toXml(root);
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return plainTextOf(value ?? '');
}

/** The message type for the envelope; for HL7 it is derived from MSH when the message is written. */
export function mediaType(type: DataType, body: string): string {
  if (body.startsWith('MSH')) {
    const fields = body.split(/[\r\n]/, 1)[0]?.split(body[3] ?? '|') ?? [];
    const component = body[4] ?? '^';
    const [code = '', event = ''] = (fields[8] ?? '').split(component);
    const version = (fields[11] ?? '').split(component)[0] ?? '';
    const name = event === '' ? code : `${code}_${event}`;
    return `HL7v2:${name}${version === '' ? '' : `:${version}`}`;
  }
  if (type === 'JSON') return 'application/json';
  if (type === 'XML') return 'application/xml';
  if (type === 'DELIMITED') return 'text/csv';
  const start = body.trimStart();
  if (start.startsWith('<')) return 'application/xml';
  return /^[[{]/.test(start) ? 'application/json' : 'text/plain';
}

/** HL7 as a tree of `PID` / `PID.5` / `PID.5.1`; escapes are kept, because they are written back unchanged. */
function hl7Tree(body: string): XmlNode {
  const lines = body.replaceAll('\r\n', '\r').replaceAll('\n', '\r').split('\r');
  const root = element('HL7Message');
  const header = lines.find((line) => /^(MSH|FHS|BHS)/.test(line)) ?? 'MSH|^~\\&';
  const field = header[3] ?? '|';
  const marks = {
    field,
    component: header[4] ?? '^',
    repetition: header[5] ?? '~',
    subcomponent: header[7] ?? '&',
  };
  for (const line of lines) if (line.trim() !== '') append(root, hl7Segment(line, marks));
  return root;
}

interface Marks {
  readonly field: string;
  readonly component: string;
  readonly repetition: string;
  readonly subcomponent: string;
}

function hl7Segment(line: string, marks: Marks): XmlNode {
  const [name = '', ...fields] = line.split(marks.field);
  const isHeader = /^(MSH|FHS|BHS)$/.test(name);
  const segment = element(name);
  let number = 0;
  if (isHeader) {
    append(segment, element(`${name}.1`, [text(marks.field)]));
    append(segment, element(`${name}.2`, [text(fields.shift() ?? '')]));
    number = 2;
  }
  for (const field of fields) {
    number += 1;
    for (const repetition of field.split(marks.repetition)) {
      append(segment, hl7Field(`${name}.${number}`, repetition, marks));
    }
  }
  return segment;
}

function hl7Field(name: string, value: string, { component, subcomponent }: Marks): XmlNode {
  const field = element(name);
  if (value === '') return field;
  for (const [index, part] of value.split(component).entries()) {
    const at = element(`${name}.${index + 1}`);
    const parts = part.split(subcomponent);
    if (parts.length === 1) addText(at, part);
    if (parts.length > 1) {
      for (const [sub, inner] of parts.entries()) {
        const leaf = element(`${at.name}.${sub + 1}`);
        addText(leaf, inner);
        append(at, leaf);
      }
    }
    append(field, at);
  }
  return field;
}

/** Mirth converts it to XML, so white space around texts is dropped as there. */
function addText(at: XmlNode, value: string): void {
  const inner = trimmed(value);
  if (inner !== '') append(at, text(inner));
}

const elementsOf = (of: XmlNode): XmlNode[] => of.children.filter(({ kind }) => kind === 'element');

const plainText = (of: XmlNode): string =>
  of.children.map((one) => (one.kind === 'text' ? one.value : plainText(one))).join('');

const numberOf = ({ name }: XmlNode): number => Number(/(\d+)$/.exec(name)?.[1] ?? 0);

function hl7Text(root: XmlNode): string {
  const segments = root.name === 'HL7Message' ? elementsOf(root) : [root];
  const header = segments.find(({ name }) => /^(MSH|FHS|BHS)$/.test(name));
  const partOf = (number: number): string => {
    const part = header === undefined ? undefined : elementsOf(header)[number - 1];
    return part === undefined ? '' : plainText(part);
  };
  const encoding = partOf(2) || '^~\\&';
  const marks: Marks = {
    field: partOf(1) || '|',
    component: encoding[0] ?? '^',
    repetition: encoding[1] ?? '~',
    subcomponent: encoding[3] ?? '&',
  };
  return segments.map((segment) => `${segmentText(segment, marks)}\r`).join('');
}

function segmentText(segment: XmlNode, marks: Marks): string {
  const isHeader = /^(MSH|FHS|BHS)$/.test(segment.name);
  const fields: string[] = [];
  for (const field of elementsOf(segment)) {
    const index = numberOf(field) - 1;
    if (index < 0) continue;
    const isMark = isHeader && index < 2;
    const value = isMark
      ? plainText(field)
      : levelText(field, [marks.component, marks.subcomponent]);
    const there = fields[index];
    fields[index] = there === undefined ? value : there + marks.repetition + value;
  }
  const filled = Array.from(fields, (value) => value ?? '');
  if (!isHeader) return [segment.name, ...filled].join(marks.field);
  return `${segment.name}${marks.field}${[filled[1] || '^~\\&', ...filled.slice(2)].join(marks.field)}`;
}

function levelText(of: XmlNode, [mark, ...inner]: readonly string[]): string {
  const parts = elementsOf(of);
  if (parts.length === 0 || mark === undefined) return plainText(of);
  const values: string[] = [];
  for (const part of parts) values[Math.max(0, numberOf(part) - 1)] = levelText(part, inner);
  return Array.from(values, (value) => value ?? '').join(mark);
}

const mark = (given: string | undefined, otherwise: string): string =>
  (given ?? otherwise).replaceAll('\\n', '\n').replaceAll('\\r', '\r').replaceAll('\\t', '\t');

function delimitedTree(body: string, settings: DelimitedSettings): XmlNode {
  const root = element('delimited');
  const lines = body.replaceAll('\r\n', '\n').split(mark(settings.recordDelimiter, '\n'));
  for (const line of lines) {
    if (line === '') continue;
    const row = element('row');
    for (const [index, value] of columns(line, settings).entries()) {
      const name = settings.columnNames?.[index] ?? `column${index + 1}`;
      const cell = element(name);
      addText(cell, value);
      append(row, cell);
    }
    append(root, row);
  }
  return root;
}

function columns(line: string, settings: DelimitedSettings): string[] {
  const delimiter = mark(settings.columnDelimiter, ',');
  const quote = settings.quoteToken ?? '"';
  const made: string[] = [];
  let value = '';
  let isQuoted = false;
  for (let at = 0; at < line.length; at += 1) {
    if (quote !== '' && line.startsWith(quote, at)) {
      if (isQuoted && line.startsWith(quote, at + quote.length)) {
        value += quote;
        at += quote.length;
      } else isQuoted = !isQuoted;
    } else if (!isQuoted && line.startsWith(delimiter, at)) {
      made.push(value);
      value = '';
      at += delimiter.length - 1;
    } else value += line[at];
  }
  return [...made, value];
}

function delimitedText(root: XmlNode, settings: DelimitedSettings): string {
  const delimiter = mark(settings.columnDelimiter, ',');
  const record = mark(settings.recordDelimiter, '\n');
  const quote = settings.quoteToken ?? '"';
  const cell = (value: string): string =>
    value.includes(delimiter) || value.includes(record) || value.includes(quote)
      ? quote + value.replaceAll(quote, quote + quote) + quote
      : value;
  return elementsOf(root)
    .map(
      (row) =>
        elementsOf(row)
          .map((one) => cell(plainText(one)))
          .join(delimiter) + record,
    )
    .join('');
}
