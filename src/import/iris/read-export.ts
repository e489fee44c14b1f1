import type { XmlNode } from '../../mirth/e4x/node.ts';
import type { ExportFile } from '../production-files.ts';
import { attribute, elements, lookedAt, SourceXml, textOf } from './source-xml.ts';

/** A class of an export: its text and its parts. */
export interface IrisClass {
  readonly name: string;
  readonly extends: readonly string[];
  /** Name of an XData block → its XML. */
  readonly data: ReadonlyMap<string, SourceXml>;
  readonly methods: readonly { readonly name: string; readonly source: string }[];
  /** Class parameters, such as the adapter of a host. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Name → type. */
  readonly properties: ReadonlyMap<string, string>;
  readonly file: string;
}

/** A system default setting: `*` stands for any production, item or class. */
export interface DefaultSetting {
  readonly production: string;
  readonly item: string;
  readonly className: string;
  readonly setting: string;
  readonly value: string;
}

export interface IrisExport {
  readonly classes: ReadonlyMap<string, IrisClass>;
  /** Name → key → value. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly defaults: readonly DefaultSetting[];
  readonly faults: readonly ExportFault[];
}

/** What could not be read, or is of no kind that is imported. */
export interface ExportFault {
  readonly file: string;
  readonly what: string;
  /** It was read, and nothing is made of it. */
  readonly isLeftOut?: boolean;
}

interface Found {
  readonly faults: ExportFault[];
  readonly classes: Map<string, IrisClass>;
  readonly tables: Map<string, Map<string, string>>;
  readonly defaults: DefaultSetting[];
}

/** Reads class files (UDL), exports of Studio and of the management portal, and lookup tables. */
export function readExport(files: readonly ExportFile[]): IrisExport {
  const faults: ExportFault[] = [];
  const found: Found = { classes: new Map(), tables: new Map(), defaults: [], faults };
  for (const { name, text, fault } of files) {
    if (fault !== undefined) {
      faults.push({ file: name, what: fault });
      continue;
    }
    try {
      if (
        /^\s*(<\?xml[^>]*\?>)?\s*<(Export|lookupTable|defaultSettings)\b/.test(
          text.replace(/^\uFEFF/, ''),
        )
      )
        readXml(text, name, found);
      else readUdl(text, name, found);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      faults.push({ file: name, what: error.message });
    }
  }
  return found;
}

function readXml(text: string, file: string, found: Found): void {
  const { root } = new SourceXml(text.replace(/^\uFEFF/, ''));
  if (root.name === 'lookupTable') readTable(root, found);
  else if (root.name === 'defaultSettings') readDefaults(root, found);
  else for (const one of elements(root)) readPart(one, file, found);
}

function readPart(one: XmlNode, file: string, found: Found): void {
  const leftOut = (what: string): void => {
    lookedAt(one);
    found.faults.push({ file, what, isLeftOut: true });
  };
  switch (one.name) {
    case 'Class':
      add(classOf(one, file), found);
      return;
    case 'Document':
      readDocument(one, leftOut, found);
      return;
    case 'lookupTable':
      readTable(one, found);
      return;
    case 'entry':
      readTable(one, found, one);
      return;
    case 'Project':
      leftOut(`the project ${attribute(one, 'name')} only lists what is exported`);
      return;
    default: {
      const name = attribute(one, 'name');
      leftOut(
        `its part ${one.name}${name === '' ? '' : ` ${name}`} is not of a kind that is imported`,
      );
    }
  }
}

function readDocument(document: XmlNode, leftOut: (what: string) => void, found: Found): void {
  const name = attribute(document, 'name');
  const inner = elements(document);
  for (const one of inner) {
    if (one.name === 'lookupTable') readTable(one, found);
    else if (one.name === 'defaultSettings') readDefaults(one, found);
    else if (/\.(?:HL7|X12|ASTM|EDIFACT)$/i.test(name))
      leftOut(
        `the schema ${name} is not imported: messages are read by the standard, Z segments by number`,
      );
    else if (/\.PTD$/i.test(name))
      leftOut(
        `${name} is the note of a deployment, or a part of a production by itself: export the production as a class`,
      );
    else leftOut(`its document ${name} is not of a kind that is imported`);
  }
  if (inner.length === 0) leftOut(`its document ${name} is empty`);
}

function readDefaults(of: XmlNode, { defaults }: Found): void {
  for (const one of elements(of, 'item')) {
    lookedAt(one);
    defaults.push({
      production: attribute(one, 'production'),
      item: attribute(one, 'item'),
      className: attribute(one, 'class'),
      setting: attribute(one, 'setting'),
      value: attribute(one, 'value'),
    });
  }
}

function classOf(one: XmlNode, file: string): IrisClass {
  const named = (kind: string, value: (of: XmlNode) => string): Map<string, string> =>
    new Map(elements(one, kind).map((part) => [attribute(part, 'name'), value(part)]));
  return {
    name: attribute(one, 'name'),
    extends: textOf(elements(one, 'Super')[0])
      .split(',')
      .map((part) => part.trim()),
    data: new Map(
      elements(one, 'XData').map((data) => [
        attribute(data, 'name'),
        new SourceXml(textOf(elements(data, 'Data')[0])),
      ]),
    ),
    methods: elements(one, 'Method').map((method) => ({
      name: attribute(method, 'name'),
      source: textOf(elements(method, 'Implementation')[0]),
    })),
    parameters: named('Parameter', (parameter) => textOf(elements(parameter, 'Default')[0])),
    properties: named('Property', (property) => textOf(elements(property, 'Type')[0])),
    file,
  };
}

/** The first of a name is taken, as a person could not see which of them an item means. */
function add(made: IrisClass, { classes, faults }: Found): void {
  const first = classes.get(made.name);
  if (first === undefined) {
    classes.set(made.name, made);
    return;
  }
  const isSame = partsText(first) === partsText(made);
  faults.push({
    file: made.file,
    what: `${made.name} is also in ${first.file}, and ${isSame ? 'is the same there' : 'that one is imported'}`,
    ...(isSame && { isLeftOut: true }),
  });
}

/** What of a class matters here, without its layout. */
const partsText = ({ data, methods }: IrisClass): string =>
  JSON.stringify([
    ...[...data].map(([name, { text }]) => [name, text]),
    methods.map(({ source }) => /\{[\s\S]*/.exec(source)?.[0] ?? source),
  ]).replaceAll(/\\[rnt]|\s/g, '');

function readTable(table: XmlNode, { tables }: Found, only?: XmlNode): void {
  for (const entry of only === undefined ? elements(table, 'entry') : [only]) {
    const name = attribute(entry, 'table');
    const own = tables.get(name) ?? new Map<string, string>();
    own.set(attribute(entry, 'key'), textOf(entry));
    tables.set(name, own);
  }
}

const CLASS = /^Class\s+([\w.%]+)(?:\s+Extends\s+(\([^)]*\)|[\w.%]+))?/im;
const MEMBER =
  /^(XData|Method|ClassMethod|ClientMethod|Parameter|Property|Query|Trigger|Storage)\s+("[^"]*"|[\w%]+)(.*)$/i;

/** Reads source files: members begin in the first column, and so do the braces around their bodies. */
function readUdl(text: string, file: string, found: Found): void {
  const head = CLASS.exec(text);
  if (head === null)
    throw new SyntaxError('there is neither a class, an export nor a lookup table in it');
  const [, name = '', bases = ''] = head;
  const made = membersOf(text.slice(head.index));
  const extended = bases
    .replaceAll(/[()]/g, '')
    .split(',')
    .map((one) => one.trim());
  add({ name, extends: extended.filter(Boolean), ...made, file }, found);
}

function membersOf(
  source: string,
): Pick<IrisClass, 'data' | 'methods' | 'parameters' | 'properties'> {
  const data = new Map<string, SourceXml>();
  const methods: { name: string; source: string }[] = [];
  const parameters = new Map<string, string>();
  const properties = new Map<string, string>();
  const lines = source.split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const [, given = '', member = '', rest = ''] = MEMBER.exec(lines[at] ?? '') ?? [];
    const kind = given.toLowerCase();
    if (kind === 'parameter') parameters.set(member, /=\s*"?([^";]*)"?\s*;/.exec(rest)?.[1] ?? '');
    if (kind === 'property')
      properties.set(member, /\bAs\s+((?:list|array)\s+Of\s+)?([\w.%]+)/i.exec(rest)?.[0] ?? '');
    if (kind === '' || kind === 'parameter' || kind === 'property') continue;
    const start = lines.findIndex((line, index) => index >= at && line.trimEnd() === '{');
    const end = lines.findIndex((line, index) => index > start && line.trimEnd() === '}');
    if (start < 0 || end < 0) throw new SyntaxError(`${member} has no end`);
    const body = lines.slice(start + 1, end).join('\n');
    if (kind === 'xdata') data.set(member, new SourceXml(body));
    else if (kind.endsWith('method'))
      methods.push({ name: member, source: `${lines[at] ?? ''}\n{\n${body}\n}` });
    at = end;
  }
  return { data, methods, parameters, properties };
}
