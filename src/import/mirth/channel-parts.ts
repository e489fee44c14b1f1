import { toXml, type XmlNode } from '../../mirth/e4x/node.ts';
import { variableName } from '../names.ts';
import { SECRET } from '../redacted.ts';
import type { Block, HostDraft } from './drafts.ts';
import { attributeOf, elementsOf, part, partText, textOf, wholeText } from './read-export.ts';
import { joinedRules, type ScriptRule, type ScriptStep } from './steps.ts';

export const hostBlock = ({ adapter, settings, keys }: HostDraft): Block => ({
  adapter,
  ...(Object.keys(settings).length > 0 && { settings }),
  ...keys,
});

export function answerParts(
  source: XmlNode | undefined,
  answer: string,
  isHttp: boolean,
): string[] {
  const made = [`answer: ${JSON.stringify(answer)}`];
  if (!isHttp) return made;
  const type = partText(source, 'properties/responseContentType').trim();
  const code = partText(source, 'properties/responseStatusCode').trim();
  if (type !== '') made.push(`answerType: ${JSON.stringify(type)}`);
  if (code !== '') made.push(`answerCode: ${JSON.stringify(code)}`);
  return made;
}

/** The part of the definition that says how to read what the service delivers. */
export function comes(source: XmlNode | undefined): string[] {
  const transport = partText(source, 'transportName');
  if (transport === 'Database Reader') return ['rows: true'];
  if (transport === 'File Reader' && partText(source, 'properties/binary') === 'true')
    return ['binary: true'];
  if (transport !== 'HTTP Listener') return [];
  const isXml = partText(source, 'properties/xmlBody') === 'true';
  const isWhole = partText(source, 'properties/includeMetadata') === 'true';
  return [`http: '${isXml ? (isWhole ? 'whole' : 'document') : 'body'}'`];
}

/** The headers that scripts of a channel ask for, and two that are always useful. */
export function headersIn(xml: XmlNode): string[] {
  const found = new Set(['Content-Type', 'User-Agent']);
  const pattern =
    /(?:getHeader(?:List)?|headers['"]?\)?(?:\.get)?)\s*[([]\s*['"]([A-Za-z][\w-]*)['"]|\['Header'\]\['([\w-]+)'\]/gi;
  for (const [, called, inXml] of toXml(xml).matchAll(pattern)) {
    const name = called ?? inXml ?? '';
    if (!SECRET.test(name) && !/cookie/i.test(name)) found.add(name);
  }
  return [...found];
}

const TYPES = new Set(['HL7V2', 'XML', 'JSON', 'DELIMITED', 'RAW']);

/** The data type; `fault` names one that is not supported. */
export function dataType(given: string): { readonly type: string; readonly fault?: string } {
  const name = given.toUpperCase().replace(/[^A-Z0-9]/g, '');
  if (TYPES.has(name)) return { type: name };
  if (name === 'HL7V3') return { type: 'XML' };
  return name === '' ? { type: 'RAW' } : { type: 'RAW', fault: given };
}

export function dataSettings(
  properties: XmlNode | undefined,
  side: 'inbound' | 'outbound',
): Block | undefined {
  const kind = attributeOf(properties, 'class');
  const own = part(
    properties,
    side === 'inbound' ? 'serializationProperties' : 'deserializationProperties',
  );
  if (/xml\.XML|hl7v3\./.test(kind) && partText(own, 'stripNamespaces') === 'true')
    return { stripNamespaces: true };
  const segments = partText(own, 'segmentDelimiter').trim();
  if (kind.includes('hl7v2.') && side === 'outbound' && !/^(\\r|)$/.test(segments))
    return { segmentDelimiter: segments };
  if (!kind.includes('DelimitedDataType')) return undefined;
  const names = elementsOf(part(own, 'columnNames')).map((one) => textOf(one));
  return {
    columnDelimiter: wholeText(own, 'columnDelimiter') || ',',
    recordDelimiter: wholeText(own, 'recordDelimiter') || '\\n',
    quoteToken: wholeText(own, 'quoteToken'),
    ...(partText(own, 'escapeWithDoubleQuote') === 'false' && {
      quoteEscape: wholeText(own, 'quoteEscapeToken'),
    }),
    ...(names.length > 0 && { columnNames: names }),
    ...(partText(own, 'numberedRows') === 'true' && { numberedRows: true }),
    ...(partText(own, 'ignoreCR') === 'false' && { keepsCarriageReturns: true }),
  };
}

export function templateText(of: XmlNode | undefined): string {
  const text = textOf(of);
  return attributeOf(of, 'encoding') === 'base64'
    ? Buffer.from(text, 'base64').toString('utf8')
    : text;
}

/** Where a step begins in the combined script. */
export interface Placed {
  readonly name: string;
  readonly from: number;
  readonly undone?: ScriptStep['undone'];
}

export function joined(steps: readonly ScriptStep[]): { text: string; placed: Placed[] } {
  let text = '';
  const placed: Placed[] = [];
  for (const { name, script, undone } of steps) {
    text += `\n// ${name.replaceAll(/\s+/g, ' ')}\n`;
    placed.push({ name, from: text.split('\n').length, ...(undone !== undefined && { undone }) });
    text += script.trimEnd();
  }
  return { text, placed };
}

/** All rules as one script, with a function for each, because rules may `return`. */
export function filterScript(rules: readonly ScriptRule[]): { text: string; placed: Placed[] } {
  let text = '';
  const placed: Placed[] = [];
  for (const [index, { name, script, undone }] of rules.entries()) {
    text += `\n// ${name.replaceAll(/\s+/g, ' ')}\nfunction rule${index + 1}() {\n`;
    placed.push({ name, from: text.split('\n').length, ...(undone !== undefined && { undone }) });
    text += `${script.trimEnd()}\n}`;
  }
  const test = joinedRules(rules, (_, index) => `rule${index + 1}() == true`);
  return { text: `${text}\nreturn ${test};`, placed };
}

/** Variables that depend on the message or the time, and so are known only at run time. */
const OF_MESSAGE =
  /^(message\.|originalFilename|ORIGINALNAME|fileDirectory|DATE$|SYSTIME$|COUNT$|UUID$|date\.|channelName$|channelId$)/;

/** The configuration value that a reference means; undefined if it depends on the message. */
export function configured(
  reference: string,
  isPut: (name: string) => boolean,
): string | undefined {
  const called = /^(?:env|configurationMap|maps)\.get\(['"]([\w.-]+)['"]\)$/.exec(reference);
  const name = called?.[1] ?? reference;
  if (!/^[\w.-]+$/.test(name) || OF_MESSAGE.test(reference) || isPut(name)) return undefined;
  return variableName(name);
}

/** Reports settings that a channel cannot have of its own. */
export function channelNotes(
  xml: XmlNode,
  look: (place: string, category: string, text: string) => void,
): void {
  const properties = part(xml, 'properties');
  const attachments = partText(properties, 'attachmentProperties/type');
  if (attachments !== '' && attachments !== 'None') {
    look(
      'attachments',
      'attachments',
      `attachments were extracted (${attachments}): here the whole body is stored, and streamed if it is large`,
    );
  }
  const columns = elementsOf(part(properties, 'metaDataColumns')).filter(
    (one) => !/^mirth_(source|type)$/.test(partText(one, 'mappingName')),
  );
  if (columns.length > 0) {
    look('metadata', 'search', 'custom metadata columns: list their paths under settings.search');
  }
  if (partText(properties, 'removeContentOnCompletion') === 'true') {
    look(
      'storage',
      'storage',
      'content was removed on completion: settings.keep says how long it is kept here',
    );
  }
  const days =
    partText(xml, 'exportData/metadata/pruningSettings/pruneMetaDataDays') ||
    partText(properties, 'pruneMetaDataDays');
  if (days !== '')
    look('pruning', 'storage', `messages were kept for ${days} days: see settings.keep`);
  if (
    attributeOf(part(properties, 'resourceIds'), 'class') !== '' &&
    /custom/i.test(textOf(part(properties, 'resourceIds')))
  ) {
    look('resources', 'Java', 'Java libraries were loaded');
  }
}

const TRIVIAL =
  /^(\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*(return(\s+(message|null))?\s*;?)?(\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*$/;

/** Whether a script does nothing: most channels still have the comments of a new script. */
export const isTrivial = (script: string): boolean => TRIVIAL.test(script);
