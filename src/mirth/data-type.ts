import { type DelimitedSettings, delimitedText, delimitedTree, unescaped } from './delimited.ts';
import {
  addText,
  append,
  element,
  elementsOf,
  plainText,
  text,
  toXml,
  type XmlNode,
} from './e4x/node.ts';
import { isXml, nodesOf, parseXml, type Xml, xmlOf } from './e4x/xml.ts';
import { plainTextOf } from './plain-text.ts';

/** The form in which a script sees a message. */
export type DataType = 'HL7V2' | 'XML' | 'JSON' | 'DELIMITED' | 'RAW';

export interface DataSettings extends DelimitedSettings {
  readonly stripNamespaces?: boolean;
  /** What ends each segment of HL7 that is written; a carriage return if left out. */
  readonly segmentDelimiter?: string;
}

/** The message as a script sees it: HL7, XML and delimited text as E4X, JSON as an object, anything else as text. */
export function readData(type: DataType, body: string, settings: DataSettings = {}): Xml {
  if (type === 'HL7V2') return xmlOf(hl7Tree(body));
  if (type === 'XML') {
    const { stripNamespaces = false } = settings;
    return parseXml(stripNamespaces ? withoutInner(body) : body, { stripNamespaces });
  }
  if (type === 'JSON') return body.trim() === '' ? {} : JSON.parse(body);
  return type === 'DELIMITED' ? xmlOf(delimitedTree(body, settings)) : body;
}

const INNER = /<!\[CDATA\[[\s\S]*?\]\]>|(?<=>)[^<]+/g;
const NAMESPACE = /xmlns(?::[^=\s"<>]*)?="[^"]*"/g;

/** Namespaces were removed from the text of a message, so also those of a document that is a text in it, such as a CDA. */
const withoutInner = (body: string): string =>
  body.includes('xmlns') ? body.replaceAll(INNER, (one) => one.replaceAll(NAMESPACE, '')) : body;

/** The text of a message that a script has changed. */
export function writeData(type: DataType, value: unknown, settings: DataSettings = {}): string {
  if (typeof value === 'string') return value;
  const [root] = isXml(value) ? nodesOf(value) : [];
  if (type === 'HL7V2' && root?.kind === 'element') {
    const made = hl7Text(root);
    const { segmentDelimiter: end } = settings;
    return end === undefined ? made : made.replaceAll('\r', unescaped(end, '\r'));
  }
  if (type === 'DELIMITED' && root?.kind === 'element') return delimitedText(root, settings);
  if (root?.kind === 'element') return toXml(root);
  if (isXml(value)) return plainTextOf(value);
  return isTree(value) ? JSON.stringify(value) : plainTextOf(value ?? '');
}

/** Objects and lists are JSON; not a text that is an object, as a map gives an empty one. */
const isTree = (value: unknown): boolean =>
  /Object|Array/.test(Object.prototype.toString.call(value));

/** The output of a transformer, before it is serialised in its data type. */
export function transformedText(value: unknown): string {
  if (typeof value === 'string') return value;
  const [root] = isXml(value) ? nodesOf(value) : [];
  if (root?.kind === 'element') return toXml(root);
  return isTree(value) ? JSON.stringify(value) : plainTextOf(value ?? '');
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
