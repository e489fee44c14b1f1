/**
 * Runs the JavaScript steps of exported channels in Rhino and as they are imported, on messages, and says where they differ:
 * `node bench/mirth-scripts.ts <folder of exports> <folder of HL7 messages>`. Needs librhino-java, or RHINO.
 */

import { elementsOf, partText, readExport, textOf } from '../src/import/mirth/read-export.ts';
import { exportFiles } from '../src/import/production-files.ts';
import type { XmlNode } from '../src/mirth/e4x/node.ts';
import { besideRhino, differencesOf, type ScriptCase } from '../test/support/rhino.ts';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const [exports = '', messages = ''] = process.argv.slice(2);

/** Scripts of filters and transformers that read HL7 or XML, with the connector's own sample. */
function scriptsOf(of: XmlNode): { script: string; type: string; sample: string }[] {
  const found: { script: string; type: string; sample: string }[] = [];
  const visit = (node: XmlNode): void => {
    if (node.name === 'transformer' || node.name === 'filter') {
      const type = partText(node, 'inboundDataType');
      const sample = partText(node, 'inboundTemplate');
      // all steps of a transformer are one script there
      const script = all(node, 'script').map(textOf).join('\n');
      if (script.trim() !== '') found.push({ script, type, sample });
    }
    for (const child of elementsOf(node)) visit(child);
  };
  visit(of);
  return found;
}

const all = (of: XmlNode, name: string): XmlNode[] =>
  elementsOf(of).flatMap((one) => [...(one.name === name ? [one] : []), ...all(one, name)]);

const files = await exportFiles(exports);
const samples = (await exportFiles(messages, /\.(?:hl7|txt)$/i))
  .map(({ text }) => text.replaceAll(/\r?\n/g, '\r'))
  .filter((text) => text.startsWith('MSH'))
  .slice(0, 4);
const cases: ScriptCase[] = [];
for (const channel of readExport(files).channels) {
  for (const [index, { script, type, sample }] of scriptsOf(channel.xml).entries()) {
    const own =
      sample.trim().startsWith('MSH') || sample.trim().startsWith('<') ? [sample.trim()] : [];
    const given = type.startsWith('HL7V2') || type === '' ? [...own, ...samples] : own;
    for (const [at, message] of given.entries())
      cases.push({
        name: `${channel.name}, script ${index + 1}, message ${at + 1}`,
        script,
        message,
      });
  }
}
const compared = await besideRhino(cases);
let [same, marked, both] = [0, 0, 0];
for (const one of compared) {
  // a helper of Mirth Connect that is not there in Rhino alone, or what an earlier step left
  if (one.here === undefined || /is not defined/.test(one.there.error ?? '')) {
    marked += 1;
    continue;
  }
  if (one.here.failed && one.there.failed) both += 1;
  const found = differencesOf(one);
  if (found.length === 0) same += 1;
  else
    print(
      `${one.name}\n${found.map((line) => `    ${line}`).join('\n')}\n    ${one.here.error ?? one.there.error ?? ''}`,
    );
}
print(
  `${compared.length} runs: ${same} the same (${both} failed in both), ${compared.length - same - marked} differ, ${marked} could not be compared`,
);
