import { toXml, trimmed, type XmlNode } from '../../mirth/e4x/node.ts';
import { parseNodes } from '../../mirth/e4x/parse.ts';
import type { ExportFile } from '../production-files.ts';

/** A channel of an export, with its XML. */
export interface ExportedChannel {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly xml: XmlNode;
  /** The file that contains it. */
  readonly file: string;
}

export interface CodeTemplate {
  readonly name: string;
  readonly code: string;
}

interface Fault {
  readonly file: string;
  readonly what: string;
  /** It could be read, and a channel of it was left out. */
  readonly isLeftOut?: boolean;
}

/** The content of one or several files of an export. */
export interface MirthExport {
  readonly channels: readonly ExportedChannel[];
  readonly templates: readonly CodeTemplate[];
  readonly globalScripts: ReadonlyMap<string, string>;
  readonly faults: readonly Fault[];
}

/** Reads exports: a channel, a list of channels, a group, or a whole server's backup. */
export function readExport(files: readonly ExportFile[]): MirthExport {
  const found = {
    channels: new Map<string, ExportedChannel>(),
    templates: new Map<string, CodeTemplate>(),
    globalScripts: new Map<string, string>(),
  };
  const faults: Fault[] = [];
  for (const { name, text, fault } of files) {
    if (fault !== undefined) {
      faults.push({ file: name, what: fault });
      continue;
    }
    try {
      const roots = parseNodes(readable(text), { keepsBlanks: true }).filter(
        ({ kind }) => kind === 'element',
      );
      for (const root of roots) readRoot(root, name, { ...found, faults });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      faults.push({ file: name, what: error.message });
    }
  }
  const { channels, templates, globalScripts } = found;
  return {
    channels: [...channels.values()],
    templates: [...templates.values()],
    globalScripts,
    faults,
  };
}

interface Found {
  readonly faults: Fault[];
  readonly channels: Map<string, ExportedChannel>;
  readonly templates: Map<string, CodeTemplate>;
  readonly globalScripts: Map<string, string>;
}

function readRoot(
  root: XmlNode,
  file: string,
  { channels, templates, globalScripts, faults }: Found,
): void {
  for (const xml of channelsIn(root)) {
    const own = channelOf(xml, file);
    const first = channels.get(own.id);
    if (first === undefined) channels.set(own.id, own);
    else if (toXml(first.xml) !== toXml(xml)) {
      const what = `its channel ${own.name} has the id of ${first.name} in ${first.file}, and another content; that one is imported. Import them apart if both are wanted`;
      faults.push({ file, what, isLeftOut: true });
    }
  }
  for (const one of [root, ...descendants(root, 'codeTemplate')]) {
    if (one.name !== 'codeTemplate') continue;
    const code = partText(one, 'properties/code') || partText(one, 'code');
    const name = partText(one, 'name');
    if (code.trim() !== '') templates.set(partText(one, 'id') || name, { name, code });
  }
  for (const entry of part(root, 'globalScripts')?.children ?? []) {
    const [key, script] = elementsOf(entry).map((one) => textOf(one));
    if (key !== undefined) globalScripts.set(key, script ?? '');
  }
}

function channelsIn(root: XmlNode): XmlNode[] {
  if (root.name === 'channel') return part(root, 'sourceConnector') === undefined ? [] : [root];
  return descendants(root, 'channel').filter((one) => part(one, 'sourceConnector') !== undefined);
}

function channelOf(xml: XmlNode, file: string): ExportedChannel {
  const name = partText(xml, 'name') || 'channel';
  const version = attributeOf(xml, 'version');
  return { id: partText(xml, 'id') || name, name, version, xml, file };
}

/** Control characters, which Java writes although XML 1.0 forbids them, are mapped to the private use area meanwhile. */
const readable = (text: string): string =>
  text
    .replace(/^\uFEFF/, '')
    .replace(/^<\?xml version="1\.1"/, '<?xml version="1.0"')
    .replaceAll(/&#(?:x([0-9a-fA-F]+)|(\d+));/g, (whole, hex: string | undefined, decimal = '') => {
      const code = Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16);
      return code < 32 && ![9, 10, 13].includes(code) ? String.fromCharCode(0xe000 + code) : whole;
    });

const restored = (text: string): string =>
  text.replaceAll(/[\uE000-\uE01F]/g, (one) => String.fromCharCode(one.charCodeAt(0) - 0xe000));

export const elementsOf = (of: XmlNode | undefined): XmlNode[] =>
  of?.children.filter(({ kind }) => kind === 'element') ?? [];

/** The element at a path of names. */
export function part(of: XmlNode | undefined, path: string): XmlNode | undefined {
  let at = of;
  for (const name of path.split('/')) {
    at = at?.children.find((one) => one.kind === 'element' && one.name === name);
  }
  return at;
}

const rawText = (of: XmlNode | undefined): string =>
  of?.children.map(({ kind, value }) => (kind === 'text' ? value : '')).join('') ?? '';

/** A setting, a name or a script: without the blanks around it. */
export const textOf = (of: XmlNode | undefined): string => restored(trimmed(rawText(of)));

export const partText = (of: XmlNode | undefined, path: string): string => textOf(part(of, path));

/** What is sent as it is written, such as a template that ends with a line end. */
export const wholeText = (of: XmlNode | undefined, path: string): string =>
  restored(rawText(part(of, path)));

export const attributeOf = (of: XmlNode | undefined, name: string): string =>
  of?.attributes.find((one) => one.name === name)?.value ?? '';

function descendants(of: XmlNode, name: string): XmlNode[] {
  return of.children.flatMap((child) => [
    ...(child.name === name ? [child] : []),
    ...descendants(child, name),
  ]);
}

/** A map as written by XStream: entries with a key and a value, or a key and a list. */
export function entriesOf(of: XmlNode | undefined): [string, string][] {
  return elementsOf(of)
    .filter(({ name }) => name === 'entry')
    .flatMap((entry): [string, string][] => {
      const [key, value] = elementsOf(entry);
      if (value === undefined) return [];
      const items = value.name === 'list' ? elementsOf(value).map(textOf) : [textOf(value)];
      return items.map((item) => [textOf(key), item]);
    });
}
