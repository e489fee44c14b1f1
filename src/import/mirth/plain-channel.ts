import type { XmlNode } from '../../mirth/e4x/node.ts';
import { toXml } from '../../mirth/e4x/node.ts';
import { isBinary } from './behaviour.ts';
import { dataSettings, dataType, isTrivial, templateText } from './channel-parts.ts';
import { elementsOf, part, partText, wholeText } from './read-export.ts';
import { charsetOf } from './sources.ts';
import { type BuiltRule, joinedRules, rulesOf, type ScriptRule, stepsOf } from './steps.ts';

/** A channel that only routes, which rules can express without code. */
export interface PlainChannel {
  /** What the source accepts; undefined for everything. */
  readonly when: string | undefined;
  /** What each destination accepts, in order. */
  readonly takes: readonly (string | undefined)[];
}

const SOURCES = /^(TCP Listener|File Reader|Channel Reader|DICOM Listener)$/;
const DESTINATIONS = /^(TCP Sender|HTTP Sender|File Writer|Channel Writer|DICOM Sender)$/;
/** Templates that are the message itself. */
const UNCHANGED = new Set(['${message.encodedData}', '${DICOMMESSAGE}']);
const TEMPLATES = ['template', 'content', 'channelTemplate'];

/** Undefined for a channel that does more than route messages unchanged. */
export function plainChannel(
  xml: XmlNode,
  source: XmlNode | undefined,
  destinations: readonly XmlNode[],
): PlainChannel | undefined {
  const scripts = ['preprocessingScript', 'postprocessingScript', 'deployScript'];
  if (!scripts.every((name) => isTrivial(partText(xml, name)))) return undefined;
  if (source === undefined || destinations.length === 0) return undefined;
  if (!SOURCES.test(partText(source, 'transportName')) || !isUnchanged(source)) return undefined;
  if (!destinations.every(isPlain)) return undefined;
  if (destinations.some((one) => isBinary(one) !== isBinary(source))) return undefined;
  const conditions = [source, ...destinations].map((one) =>
    condition(rulesOf(part(one, 'filter'))),
  );
  if (conditions.includes(null)) return undefined;
  const [when, ...takes] = conditions.map((one) => one ?? undefined);
  return { when, takes };
}

/** No step, and the same data type before and after: the message is passed on byte for byte. */
function isUnchanged(of: XmlNode): boolean {
  const transformer = part(of, 'transformer');
  const [inbound, outbound] = ['inboundDataType', 'outboundDataType'].map((name) =>
    dataType(partText(transformer, name)),
  );
  const isKnown = inbound?.fault === undefined || inbound.fault === 'DICOM';
  const isSame = inbound?.type === outbound?.type && inbound?.fault === outbound?.fault;
  const isWhole = templateText(part(transformer, 'outboundTemplate')).trim() === '';
  const settings = dataSettings(part(transformer, 'inboundProperties'), 'inbound');
  const isStripped = settings?.['stripNamespaces'] === true;
  return isKnown && isSame && isWhole && !isStripped && stepsOf(transformer).length === 0;
}

function isPlain(destination: XmlNode): boolean {
  const properties = part(destination, 'properties');
  const given = TEMPLATES.map((name) => wholeText(properties, name)).find(
    (one) => one.trim() !== '',
  );
  if (!DESTINATIONS.test(partText(destination, 'transportName')) || !isUnchanged(destination))
    return false;
  if (given === undefined || !UNCHANGED.has(given)) return false;
  const isSender = /^(TCP|HTTP) Sender$/.test(partText(destination, 'transportName'));
  if (isSender && properties !== undefined && charsetOf(properties) !== undefined) return false;
  if (stepsOf(part(destination, 'responseTransformer')).length > 0) return false;
  if (elementsOf(part(properties, 'mapVariables')).length > 0) return false;
  const rest = elementsOf(properties).filter(({ name }) => !TEMPLATES.includes(name));
  return !rest.some((one) => toXml(one).includes('$'));
}

/** Undefined if there are no rules; null if a rule is more than a comparison with the same meaning in CEL. */
function condition(rules: readonly ScriptRule[]): string | null | undefined {
  if (rules.length === 0) return undefined;
  const parts = rules.map(({ built }) => (built === undefined ? undefined : comparison(built)));
  if (parts.includes(undefined)) return null;
  return joinedRules(rules, (_, index) => parts[index] ?? '');
}

/** Segments that occur once in a message, and their fields that do not repeat. */
const SINGLE: Readonly<Record<string, ReadonlySet<number>>> = {
  MSH: new Set([3, 4, 5, 6, 7, 9, 10, 11, 12]),
  EVN: new Set([1, 2, 4]),
  PV1: new Set([2, 3, 4, 6, 10, 14, 18, 19, 36, 44, 45]),
};

/** `msg['MSH']['MSH.9']['MSH.9.2'].toString()` → `MSH-9.2`, if both can only mean the same. */
function pathOf(field: string): string | undefined {
  const [, segment = '', whole = '', component = ''] =
    /^msg\['(\w{3})'\]\['(\w{3}\.\d+)'\]\['(\w{3}\.\d+\.\d+)'\](?:\.toString\(\))?$/.exec(field) ??
    [];
  const number = Number(whole.split('.')[1]);
  const isOwn = whole.startsWith(`${segment}.`) && component.startsWith(`${whole}.`);
  if (!isOwn || SINGLE[segment]?.has(number) !== true) return undefined;
  return `${segment}-${number}.${component.split('.')[2]}`;
}

function comparison({ field, condition: kind, values }: BuiltRule): string | undefined {
  const path = pathOf(field);
  const texts = values.map((value) => /^(['"])([^'"\\]*)\1$/.exec(value)?.[2]);
  if (path === undefined || texts.length === 0 || texts.includes(undefined)) return undefined;
  const value = `field("${path}")`;
  const list = `[${texts.map((text) => JSON.stringify(text)).join(', ')}]`;
  const [only] = texts;
  switch (kind) {
    case 'EQUALS':
      return texts.length === 1 ? `${value} == ${JSON.stringify(only)}` : `${value} in ${list}`;
    case 'NOT_EQUAL':
      return texts.length === 1 ? `${value} != ${JSON.stringify(only)}` : `!(${value} in ${list})`;
    case 'CONTAINS':
      return `(${texts.map((text) => `${value}.contains(${JSON.stringify(text)})`).join(' || ')})`;
    case 'NOT_CONTAIN':
      return `!(${texts.map((text) => `${value}.contains(${JSON.stringify(text)})`).join(' || ')})`;
    default:
      return undefined;
  }
}
