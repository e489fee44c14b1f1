import type { XmlNode } from '../../mirth/e4x/node.ts';
import { parseNodes } from '../../mirth/e4x/parse.ts';
import type { ExportFile } from '../production-files.ts';

/** A class of an export: its text and its parts. */
export interface IrisClass {
  readonly name: string;
  readonly extends: readonly string[];
  /** Name of an XData block → its XML. */
  readonly data: ReadonlyMap<string, string>;
  readonly methods: readonly { readonly name: string; readonly source: string }[];
  /** Class parameters, such as the adapter of a host. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly file: string;
}

export interface IrisExport {
  readonly classes: ReadonlyMap<string, IrisClass>;
  /** Name → key → value. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly faults: readonly { readonly file: string; readonly what: string }[];
}

interface Found {
  readonly faults: { file: string; what: string }[];
  readonly classes: Map<string, IrisClass>;
  readonly tables: Map<string, Map<string, string>>;
}

/** Reads class files (UDL), exports of Studio and of the management portal, and lookup tables. */
export function readExport(files: readonly ExportFile[]): IrisExport {
  const faults: { file: string; what: string }[] = [];
  const found: Found = { classes: new Map(), tables: new Map(), faults };
  for (const { name, text, fault } of files) {
    if (fault !== undefined) {
      faults.push({ file: name, what: fault });
      continue;
    }
    try {
      if (/^\s*(<\?xml[^>]*\?>)?\s*<(Export|lookupTable)\b/.test(text)) readXml(text, name, found);
      else readUdl(text, name, found);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      faults.push({ file: name, what: error.message });
    }
  }
  return found;
}

export const elements = (of: XmlNode | undefined, name?: string): XmlNode[] =>
  of?.children.filter(
    (one) => one.kind === 'element' && (name === undefined || one.name === name),
  ) ?? [];

export const attribute = (of: XmlNode, name: string): string =>
  of.attributes.find((one) => one.name === name)?.value ?? '';

/** A rule, a part of it, or a step of a DTL that is switched off. */
export const isDisabled = (of: XmlNode): boolean => /^(?:1|true)$/.test(attribute(of, 'disabled'));

export const textOf = (of: XmlNode | undefined): string =>
  of?.children.map(({ kind, value }) => (kind === 'text' ? value : '')).join('') ?? '';

/** The root element of an XML text. */
export function rootOf(xml: string): XmlNode {
  const root = parseNodes(xml).find(({ kind }) => kind === 'element');
  if (root === undefined) throw new SyntaxError('there is no XML element');
  return root;
}

function readXml(text: string, file: string, found: Found): void {
  const root = rootOf(text);
  for (const document of elements(root, 'Document'))
    for (const table of elements(document, 'lookupTable')) readTable(table, found);
  if (root.name === 'lookupTable') readTable(root, found);
  for (const one of elements(root, 'Class')) {
    const made: IrisClass = {
      name: attribute(one, 'name'),
      extends: textOf(elements(one, 'Super')[0])
        .split(',')
        .map((part) => part.trim()),
      data: new Map(
        elements(one, 'XData').map((data) => [
          attribute(data, 'name'),
          textOf(elements(data, 'Data')[0]),
        ]),
      ),
      methods: elements(one, 'Method').map((method) => ({
        name: attribute(method, 'name'),
        source: textOf(elements(method, 'Implementation')[0]),
      })),
      parameters: new Map(
        elements(one, 'Parameter').map((parameter) => [
          attribute(parameter, 'name'),
          textOf(elements(parameter, 'Default')[0]),
        ]),
      ),
      file,
    };
    add(made, found);
  }
  const known = new Set(['Class', 'Document', 'entry']);
  const others = new Set(elements(root).map(({ name }) => name));
  for (const name of others)
    if (!known.has(name))
      found.faults.push({ file, what: `its parts ${name} are not of a kind that is imported` });
}

/** The first of a name is taken, as a person could not see which of them an item means. */
function add(made: IrisClass, { classes, faults }: Found): void {
  const first = classes.get(made.name);
  if (first === undefined) classes.set(made.name, made);
  else
    faults.push({
      file: made.file,
      what: `${made.name} is also in ${first.file}, and that one is imported`,
    });
}

function readTable(table: XmlNode, { tables }: Found): void {
  for (const entry of elements(table, 'entry')) {
    const name = attribute(entry, 'table');
    const own = tables.get(name) ?? new Map<string, string>();
    own.set(attribute(entry, 'key'), textOf(entry));
    tables.set(name, own);
  }
}

const CLASS = /^Class\s+([\w.%]+)(?:\s+Extends\s+(\([^)]*\)|[\w.%]+))?/m;
const MEMBER = /^(XData|Method|ClassMethod|ClientMethod|Parameter)\s+([\w%"]+)(.*)$/;

/** Reads source files: members begin in the first column, and so do the braces around their bodies. */
function readUdl(text: string, file: string, found: Found): void {
  const head = CLASS.exec(text);
  if (head === null)
    throw new SyntaxError('there is neither a class, an export nor a lookup table in it');
  const [, name = '', bases = ''] = head;
  const data = new Map<string, string>();
  const methods: { name: string; source: string }[] = [];
  const parameters = new Map<string, string>();
  const lines = text.slice(head.index).split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const [, kind = '', member = '', rest = ''] = MEMBER.exec(lines[at] ?? '') ?? [];
    if (kind === 'Parameter') parameters.set(member, /=\s*"?([^";]*)"?\s*;/.exec(rest)?.[1] ?? '');
    if (kind === '' || kind === 'Parameter') continue;
    const start = lines.indexOf('{', at);
    const end = lines.findIndex((line, index) => index > start && line.trimEnd() === '}');
    if (start < 0 || end < 0) throw new SyntaxError(`${member} has no end`);
    const body = lines.slice(start + 1, end).join('\n');
    if (kind === 'XData') data.set(member, body);
    else methods.push({ name: member, source: `${lines[at] ?? ''}\n{\n${body}\n}` });
    at = end;
  }
  const extended = bases
    .replaceAll(/[()]/g, '')
    .split(',')
    .map((one) => one.trim());
  add({ name, extends: extended.filter(Boolean), data, methods, parameters, file }, found);
}
