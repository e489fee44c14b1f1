import { toXml, type XmlNode } from '../../mirth/e4x/node.ts';
import { dataType, isTrivial } from './channel-parts.ts';
import { elementsOf, part, partText, textOf } from './read-export.ts';
import { frameOf } from './sources.ts';
import { rulesOf } from './steps.ts';

/** What a sender is answered: a name in the response map, `postprocessor`, `auto`, or undefined for nothing or an acknowledgement once its message is stored. */
export function answerOf(source: XmlNode | undefined): string | undefined {
  const properties = part(source, 'properties');
  const variable = partText(properties, 'sourceConnectorProperties/responseVariable').trim();
  if (variable.startsWith('Auto-generate'))
    return isOwnAnswer(source, variable) ? 'auto' : undefined;
  if (variable === '' || variable === 'None') return undefined;
  return variable === 'Postprocessor' || variable === 'd_postprocessor'
    ? 'postprocessor'
    : variable;
}

/** Whether an acknowledgement of HL7 says more than that the message is stored, or goes over what cannot say that. */
function isOwnAnswer(source: XmlNode | undefined, variable: string): boolean {
  if (dataType(partText(source, 'transformer/inboundDataType')).type !== 'HL7V2') return false;
  const transport = partText(source, 'transportName');
  if (transport === 'HTTP Listener') return true;
  if (transport !== 'TCP Listener') return false;
  const properties = part(source, 'properties');
  const isPlain = frameOf(properties).end === '' || partText(properties, 'serverMode') === 'false';
  const mayReject = rulesOf(part(source, 'filter')).length > 0 && !/Before/.test(variable);
  return isPlain || mayReject || Object.keys(acknowledgementsOf(source)).length > 0;
}

/** Codes and texts of acknowledgements that are not the usual ones. */
export function acknowledgementsOf(
  source: XmlNode | undefined,
): Readonly<Record<string, readonly [string, string]>> {
  const own = part(source, 'transformer/inboundProperties/responseGenerationProperties');
  const of = (kind: string, code: string, text: string): readonly [string, string][] => {
    const given = [
      partText(own, `${kind}ACKCode`) || code,
      partText(own, `${kind}ACKMessage`) || text,
    ] as const;
    return given[0] === code && given[1] === text ? [] : [[given[0], given[1]]];
  };
  const [accepted] = of('successful', 'AA', '');
  const [failed] = of('error', 'AE', 'An Error Occurred Processing Message.');
  const [rejected] = of('rejected', 'AR', 'Message Rejected.');
  return {
    ...(accepted && { accepted }),
    ...(failed && { failed }),
    ...(rejected && { rejected }),
  };
}

/** Whether an acknowledgement tells what the destinations did. */
export const answersForDestinations = (source: XmlNode | undefined): boolean =>
  partText(source, 'properties/sourceConnectorProperties/responseVariable').includes(
    'Destinations completed',
  );

/** Whether scripts or templates in there read what a destination answered. */
export function readsAnswers(of: XmlNode | undefined, names: readonly string[]): boolean {
  if (of === undefined) return false;
  const text = toXml(of);
  const isMap =
    /(?:responseMap|getResponseMap\(\))\s*\.\s*(?:get|containsKey|keySet|entrySet|values)\b|\$r\s*\(\s*['"][^'"]*['"]\s*\)|getConnectorMessages|getMergedConnectorMessage/;
  if (isMap.test(text)) return true;
  return names.some((name) =>
    [`$('${name}')`, `$("${name}")`, `\${${name}}`].some((one) => text.includes(one)),
  );
}

/** A destination with a queue answers later: nothing waits for it. */
export const isQueued = (connector: XmlNode): boolean => {
  const queue = part(connector, 'properties/destinationConnectorProperties');
  return partText(queue, 'queueEnabled') === 'true' && partText(queue, 'sendFirst') !== 'true';
};

/** Whether a connector turns Base64 into bytes, or bytes into Base64. */
export const isBinary = (connector: XmlNode | undefined): boolean =>
  partText(connector, 'transportName').startsWith('File ') &&
  partText(connector, 'properties/binary') === 'true' &&
  dataType(partText(connector, 'transformer/outboundDataType')).fault !== 'DICOM';

/** Splits what arrives into several messages where no adapter does so; undefined if nothing is split. */
export function splittingOf(source: XmlNode | undefined): string | undefined {
  if (partText(source, 'properties/sourceConnectorProperties/processBatch') !== 'true')
    return undefined;
  const { type } = dataType(partText(source, 'transformer/inboundDataType'));
  const batch = part(source, 'transformer/inboundProperties/batchProperties');
  const isScript = partText(batch, 'splitType') === 'JavaScript';
  const isByAdapter = /^(File Reader|TCP Listener)$/.test(partText(source, 'transportName'));
  if (type === 'HL7V2' && isByAdapter && !isScript) return undefined;
  const by = isScript ? 'a script' : 'its records';
  return `what comes is split into several messages by ${by}: use split of a transform, or a record map`;
}

/** A script that takes attachments out of the message, and may change it. */
export function attachmentScript(xml: XmlNode): boolean {
  const own = part(xml, 'properties/attachmentProperties');
  if (partText(own, 'type') !== 'JavaScript') return false;
  return elementsOf(part(own, 'properties')).some((entry) => {
    const [key, value] = elementsOf(entry).map(textOf);
    return key === 'javascript.script' && !isTrivial(value ?? '');
  });
}

/** A channel that is deployed without running. */
export const startsStopped = (xml: XmlNode): boolean =>
  /^(STOPPED|PAUSED)$/.test(partText(xml, 'properties/initialState'));
