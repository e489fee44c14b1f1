import { type DataType, readData, writeData } from './data-type.ts';
import { append, element, isSimple, text, toXml, valueOf, type XmlNode } from './e4x/node.ts';
import { parseNodes } from './e4x/parse.ts';
import { plainTextOf } from './plain-text.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&quot;': '"',
  '&apos;': "'",
};

const ENCODED = new Map(Object.entries(ENTITIES).map(([entity, mark]) => [mark, entity]));

/** Line ends too: a parser would take a carriage return as a line feed. */
const encoded = (mark: string): string => ENCODED.get(mark) ?? `&#${mark.charCodeAt(0)};`;

function decoded(written: string, decimal = '', hexadecimal = ''): string {
  const named = ENTITIES[written];
  if (named !== undefined) return named;
  const number = hexadecimal === '' ? Number(decimal) : Number.parseInt(hexadecimal, 16);
  return number > 0 && number <= 0x10_ff_ff ? String.fromCodePoint(number) : written;
}

const rootOf = (xml: unknown): XmlNode => {
  const root = parseNodes(plainTextOf(xml)).find(({ kind }) => kind === 'element');
  if (root === undefined) throw new SyntaxError('there is no XML element');
  return root;
};

function orAsItIs(value: unknown, make: () => string): string {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return plainTextOf(value);
  }
}

/** What scripts use under the name `XmlUtil`. */
export const XmlUtil = {
  /** Anything but XML is returned unchanged. */
  prettyPrint: (xml: unknown): string => orAsItIs(xml, () => `${toXml(rootOf(xml), '    ')}\n`),
  encode: (value: unknown): string =>
    plainTextOf(value).replaceAll(/[<>&"'\r\n\u0080-\uffff]/g, encoded),
  decode: (value: unknown): string =>
    plainTextOf(value).replaceAll(
      /&(?:lt|gt|amp|quot|apos|#(\d{1,7})|#x([\da-f]{1,6}));/gi,
      decoded,
    ),
  /** Attributes as `@name`, text next to them as `$`, elements with the same name as an array. Prefixes are dropped. */
  toJson(xml: unknown): string {
    const root = rootOf(xml);
    return JSON.stringify({ [root.name]: jsonOf(root) });
  },
};

function jsonOf(of: XmlNode): unknown {
  const attributes = of.attributes.map(({ name, value }) => [`@${name}`, primitive(value)]);
  const own = [...of.declared].find(([prefix]) => prefix === '')?.[1];
  const value = isSimple(of) ? valueOf(of) : undefined;
  const children = of.children.filter(({ kind }) => kind === 'element');
  if (attributes.length === 0 && children.length === 0 && own === undefined) {
    return value === undefined || value === '' ? null : primitive(value);
  }
  const made: Record<string, unknown> = Object.fromEntries([
    ...(own === undefined ? [] : [['@xmlns', own]]),
    ...attributes,
  ]) as Record<string, unknown>;
  if (value !== undefined && value !== '') made['$'] = primitive(value);
  for (const [name, same] of Map.groupBy(children, (child) => child.name)) {
    made[name] = same.length === 1 && same[0] !== undefined ? jsonOf(same[0]) : same.map(jsonOf);
  }
  return made;
}

/** Numbers and booleans as in JSON; a number that would change stays a text. */
function primitive(value: string): unknown {
  if (value === 'true' || value === 'false') return value === 'true';
  const isNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(value);
  return isNumber && String(Number(value)) === value ? Number(value) : value;
}

/** What scripts use under the name `JsonUtil`. */
export const JsonUtil = {
  /** Anything but JSON is returned unchanged. */
  prettyPrint: (json: unknown): string =>
    orAsItIs(json, () => {
      const value = typeof json === 'string' ? (JSON.parse(json) as unknown) : json;
      return laidOut(value);
    }),
  escape: (value: unknown): string => JSON.stringify(plainTextOf(value)).slice(1, -1),
  toXml(json: unknown): string {
    const value = (typeof json === 'string' ? JSON.parse(json) : json) as Record<string, unknown>;
    const made = Object.entries(value).flatMap(([name, inner]) => nodesOf(name, inner));
    return made.map((one) => toXml(one)).join('');
  },
};

/** As Jackson lays it out: `"name" : value`, each element of an array on its own line. */
function laidOut(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const within = `${indent}  `;
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const parts = Array.isArray(value)
    ? value.map((one) => laidOut(one, within))
    : Object.entries(value).map(
        ([name, one]) => `${JSON.stringify(name)} : ${laidOut(one, within)}`,
      );
  if (parts.length === 0) return `${open} ${close}`;
  return `${open}\n${within}${parts.join(`,\n${within}`)}\n${indent}${close}`;
}

function nodesOf(name: string, value: unknown): XmlNode[] {
  if (Array.isArray(value)) return value.flatMap((one) => nodesOf(name, one));
  const made = element(name);
  if (value === null || value === undefined) return [made];
  if (typeof value !== 'object') {
    append(made, text(plainTextOf(value)));
    return [made];
  }
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$') append(made, text(plainTextOf(inner)));
    else if (key === '@xmlns') made.declared.set('', plainTextOf(inner));
    else if (key.startsWith('@')) {
      const attribute = element(key.slice(1));
      made.attributes.push({ ...attribute, kind: 'attribute', value: plainTextOf(inner) });
    } else for (const child of nodesOf(key, inner)) append(made, child);
  }
  return [made];
}

export interface Serializer {
  toXML(text: unknown): string;
  fromXML(xml: unknown): string;
}

const serializer = (type: DataType): Serializer => ({
  toXML: (given) => {
    if (type === 'JSON') return JsonUtil.toXml(plainTextOf(given));
    return plainTextOf(
      (readData(type, plainTextOf(given)) as { toXMLString(): string }).toXMLString(),
    );
  },
  fromXML: (xml) => {
    if (type === 'JSON') return XmlUtil.toJson(xml);
    return writeData(type, readData('XML', plainTextOf(xml)));
  },
});

/** The data types that can be converted to XML here. */
const KNOWN: ReadonlySet<string> = new Set(['HL7V2', 'XML', 'JSON', 'DELIMITED']);

/** What scripts use under the name `SerializerFactory`. Its properties are the defaults of the data type. */
export const SerializerFactory = {
  getSerializer(type: unknown): Serializer {
    const name = plainTextOf(type)
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]/g, '');
    if (!KNOWN.has(name)) throw new Error(`the data type ${name} cannot be turned into XML`);
    return serializer(name as DataType);
  },
  getHL7Serializer: (): Serializer => serializer('HL7V2'),
  getDefaultSerializationProperties: (): Map<string, unknown> => new Map(),
  getDefaultDeserializationProperties: (): Map<string, unknown> => new Map(),
};
