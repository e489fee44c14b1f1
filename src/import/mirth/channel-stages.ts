import type { XmlNode } from '../../mirth/e4x/node.ts';
import { dataSettings, dataType, filterScript, joined, templateText } from './channel-parts.ts';
import type { ChannelScripts } from './channel-scripts.ts';
import { attributeOf, part, partText } from './read-export.ts';
import { placeText } from './script-module.ts';
import { rulesOf, stepsOf } from './steps.ts';

interface StagePlace {
  /** The beginning of its scripts' file names. */
  readonly hint: string;
  readonly place: string;
}

/** What is marked at a place: category, and what a person has to know. */
type Mark = (place: string, category: string, text: string) => void;

/** The filters and transformers of a channel, as properties of its definition. */
export class ChannelStages {
  readonly #scripts: ChannelScripts;
  readonly #mark: Mark;

  constructor(scripts: ChannelScripts, mark: Mark) {
    this.#scripts = scripts;
    this.#mark = mark;
  }

  /** Of a source or a destination. */
  of(connector: XmlNode | undefined, at: StagePlace): string[] {
    return this.made(part(connector, 'filter'), part(connector, 'transformer'), at);
  }

  made(filter: XmlNode | undefined, transformer: XmlNode | undefined, at: StagePlace): string[] {
    const { hint, place } = at;
    const inbound = dataType(partText(transformer, 'inboundDataType'));
    const outbound = dataType(partText(transformer, 'outboundDataType'));
    const rules = rulesOf(filter);
    const steps = stepsOf(transformer);
    const template = templateText(part(transformer, 'outboundTemplate'));
    // a body that nobody reads goes on as it came, whatever its type
    const isRead = rules.length + steps.length > 0 || inbound.fault !== outbound.fault;
    const faults = isRead ? this.#faults(transformer, place, [inbound.fault, outbound.fault]) : [];
    const made: string[] = [];
    if (faults.length > 0) {
      const text = placeText({ place, text: faults.join('; ') });
      made.push(`filter: ${this.#scripts.undone(`${hint}-data-type`, text)}`);
    }
    made.push(`inbound: '${inbound.type}'`, `outbound: '${outbound.type}'`);
    for (const side of ['inbound', 'outbound'] as const) {
      const settings = dataSettings(part(transformer, `${side}Properties`), side);
      if (settings !== undefined) made.push(`${side}Settings: ${JSON.stringify(settings)}`);
    }
    if (rules.length > 0 && faults.length === 0) {
      const { text, placed } = filterScript(rules);
      const name = this.#scripts.imported(`${hint}-filter`, `${place} filter`, text, placed);
      made.push(`filter: ${name}`);
    }
    if (steps.length > 0) {
      const { text, placed } = joined(steps);
      const file = `${hint}-transformer`;
      const name = this.#scripts.imported(file, `${place} transformer`, text, placed);
      made.push(`transformer: ${name}`);
    }
    if (template.trim() !== '') made.push(`outboundTemplate: ${JSON.stringify(template)}`);
    return made;
  }

  /** Why its scripts would see another message than before. */
  #faults(
    transformer: XmlNode | undefined,
    place: string,
    types: readonly (string | undefined)[],
  ): string[] {
    const unknown = types.filter((one) => one !== undefined);
    for (const fault of unknown) {
      this.#mark(place, `the data type ${fault}`, `the data type ${fault} is not supported`);
    }
    const made = [...new Set(unknown)].map((fault) => `the data type ${fault} is not supported`);
    for (const [category, text] of shapesOf(transformer)) {
      this.#mark(place, category, text);
      made.push(text);
    }
    return made;
  }
}

/** Settings of data types by which a message has another tree than here. */
function shapesOf(transformer: XmlNode | undefined): [string, string][] {
  const own = part(transformer, 'inboundProperties/serializationProperties');
  const made: [string, string][] = [];
  if (partText(own, 'useStrictParser') === 'true') {
    const text =
      'reads HL7 by the strict parser, whose segments stand in groups: write the paths without them';
    made.push(['the strict parser of HL7', text]);
  }
  const delimiter = partText(own, 'segmentDelimiter').trim();
  if (attributeOf(own, 'class').includes('HL7v2') && !/^(\\r|\\n|\\r\\n|)$/.test(delimiter)) {
    const text = `has segments divided by ${delimiter}: here they are lines`;
    made.push(['segments of HL7', text]);
  }
  const isWhole = ['handleRepetitions', 'handleSubcomponents'].some(
    (name) => partText(own, name) === 'false',
  );
  if (isWhole) {
    const text =
      'leaves repetitions or subcomponents of HL7 undivided, which are divided here: adapt the paths';
    made.push(['undivided HL7', text]);
  }
  if ((part(own, 'columnWidths')?.children ?? []).length > 0) {
    made.push(['fixed widths', 'reads columns of fixed width: describe them in a record map']);
  }
  return made;
}
