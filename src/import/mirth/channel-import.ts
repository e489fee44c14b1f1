import type { XmlNode } from '../../mirth/e4x/node.ts';
import { referencesOf, templateFault, writtenReferences } from '../../mirth/template.ts';
import { Names, plainValue, slug } from '../names.ts';
import type { ReportLine } from '../report.ts';
import {
  acknowledgementsOf,
  answerOf,
  answersForDestinations,
  attachmentScript,
  isBinary,
  isQueued,
  readsAnswers,
  splittingOf,
  startsStopped,
} from './behaviour.ts';
import {
  answerParts,
  channelNotes,
  comes,
  configured,
  dataType,
  headersIn,
  hostBlock,
  isTrivial,
} from './channel-parts.ts';
import { ChannelScripts, type ScriptPlace } from './channel-scripts.ts';
import { ChannelStages } from './channel-stages.ts';
import { destinationOf } from './destinations.ts';
import type { Block, DestinationDraft, Notes } from './drafts.ts';
import { type PlainChannel, plainChannel } from './plain-channel.ts';
import { type ExportedChannel, elementsOf, part, partText } from './read-export.ts';
import type { RewrittenScript, StatementMaker } from './script/rewritten.ts';
import { placeText } from './script-module.ts';
import { ScriptStatements } from './script-statements.ts';
import { sourceHost } from './sources.ts';
import { stepsOf } from './steps.ts';

/** What all channels of an import share. */
export interface WholeImport {
  /** Ids and names of channels → their processes. */
  readonly processes: ReadonlyMap<string, string>;
  readonly rewrite: (text: string, place: string, statement?: StatementMaker) => RewrittenScript;
  /** Whether code templates are asynchronous. */
  readonly templatesWait: boolean;
  readonly fileOf: (name: string) => string | undefined;
  /** Whether any channel's scripts put a variable with that name into a map. */
  readonly isPut: (name: string) => boolean;
  /** Whether a channel of the export sends to that one. */
  readonly isSentTo: (id: string) => boolean;
  readonly credential: (channel: string, hint: string, entry: Block) => string;
  readonly environment: (name: string) => string;
  /** Scripts of the server that run for every channel: preprocessor, postprocessor, deploy. */
  readonly globalScripts: ReadonlyMap<string, string>;
}

/** What a channel was turned into. */
export interface ImportedChannel {
  readonly process: string;
  readonly services: Readonly<Record<string, Block>>;
  readonly processes: Readonly<Record<string, Block>>;
  readonly operations: Readonly<Record<string, Block>>;
  readonly files: Readonly<Record<string, string>>;
  readonly lines: readonly ReportLine[];
  /** Whether a service or an operation could be made. */
  readonly hasEnds: boolean;
  /** The processes that it sends to, to find cycles. */
  readonly sendsTo: readonly string[];
}

/** Reads one channel and turns it into hosts and files. */
export function importChannel(channel: ExportedChannel, whole: WholeImport): ImportedChannel {
  return new ChannelImport(channel, whole).result();
}

class ChannelImport {
  readonly #channel: ExportedChannel;
  readonly #whole: WholeImport;
  readonly #name: string;
  readonly #lines: ReportLine[] = [];
  readonly #files: Record<string, string> = {};
  readonly #operations: Record<string, Block> = {};
  readonly #names = new Names();
  readonly #targets = new Set<string>();
  readonly #scripts: ChannelScripts;
  /** Whether to use scripts even where rules could do the same. */
  readonly #asCode: boolean;
  readonly #stages: ChannelStages;
  /** What of the source's settings a person has to do. */
  #sourceMarks: readonly ReportLine[] = [];
  #ends = 0;
  #calls = false;

  constructor(channel: ExportedChannel, whole: WholeImport, asCode = false) {
    this.#asCode = asCode;
    this.#channel = channel;
    this.#whole = whole;
    this.#name = whole.processes.get(channel.id) ?? slug(channel.name);
    const statements = new ScriptStatements({
      lines: this.#lines,
      notes: (place) => this.#notes(place),
      operation: (place, host) => this.#statementOf(place, host),
    });
    this.#scripts = new ChannelScripts({
      name: this.#name,
      around: whole,
      files: this.#files,
      names: this.#names,
      targets: this.#targets,
      statements,
      line: (kind, at, category, text) => this.#line(kind, at, category, text),
    });
    this.#stages = new ChannelStages(this.#scripts, (place, category, text) =>
      this.#line('mark', place, category, text),
    );
  }

  /** Code that nobody has translated yet keeps the source from running. */
  #undoneOf(source: XmlNode | undefined): string[] {
    const splitting = splittingOf(source);
    const undone: [string, string][] = [];
    if (splitting !== undefined) undone.push(['batches', splitting]);
    if (attachmentScript(this.#channel.xml)) {
      const text =
        'a script takes attachments out of the message, and may change it: write that as a transform';
      undone.push(['attachments', text]);
    }
    for (const [category, text] of undone) this.#line('mark', 'source', category, text);
    const settings = this.#sourceMarks.map((one) => one.text).join('; ');
    if (settings !== '') undone.push(['settings', settings]);
    return undone.map(([category, text]) => {
      const name = this.#scripts.undone(`source-${category}`, placeText({ place: 'source', text }));
      return `filter: ${name}`;
    });
  }

  result(): ImportedChannel {
    const { xml } = this.#channel;
    const source = part(xml, 'sourceConnector');
    const answer = answerOf(source);
    const destinations = elementsOf(part(xml, 'destinationConnectors')).filter(
      (one) => partText(one, 'enabled') !== 'false',
    );
    const isPlain =
      answer === undefined &&
      !this.#asCode &&
      this.#whole.globalScripts.size === 0 &&
      splittingOf(source) === undefined &&
      !attachmentScript(xml);
    const plain = isPlain ? plainChannel(xml, source, destinations) : undefined;
    if (plain !== undefined) {
      const made = this.#router(source, destinations, plain);
      const isMarked = made.lines.some(({ kind }) => kind === 'mark');
      // rules cannot mark what a person has to do
      return isMarked ? new ChannelImport(this.#channel, this.#whole, true).result() : made;
    }
    const stages = destinations.map((one, index) => {
      const later = [part(xml, 'postprocessingScript'), ...destinations.slice(index + 1)];
      return this.#destination(one, answer, later);
    });
    const service = this.#service(source, answer !== undefined);
    const definition = this.#definition(source, stages, answer);
    channelNotes(xml, (place, category, text) => this.#line('look', place, category, text));
    this.#files[`processes/${this.#name}.ts`] = definition;
    this.#calls ||= this.#scripts.waits;
    const process: Block = {
      title: plainValue(this.#channel.name),
      code: `processes/${this.#name}.ts`,
      ...(this.#calls ? {} : { run: 'inline' }),
      to: [...this.#targets],
    };
    this.#line('made', '', 'made', `process ${this.#name}, ${destinations.length} destinations`);
    return this.#made(process, service);
  }

  #made(process: Block, service: Block | undefined): ImportedChannel {
    return {
      process: this.#name,
      services: service === undefined ? {} : { [`${this.#name}-in`]: service },
      processes: { [this.#name]: process },
      operations: this.#operations,
      files: this.#files,
      lines: this.#lines,
      hasEnds: this.#ends > 0,
      sendsTo: [...this.#targets],
    };
  }

  /** Turns a channel that only routes into rules. */
  #router(
    source: XmlNode | undefined,
    destinations: readonly XmlNode[],
    { when, takes }: PlainChannel,
  ): ImportedChannel {
    const send = destinations.flatMap((connector, index): unknown[] => {
      const given = partText(connector, 'name') || 'destination';
      const { draft, name } = this.#draft(connector, given);
      const target = this.#target(draft, given, name, []);
      if (target === undefined) return [];
      const own = takes[index];
      return [own === undefined ? target : { to: target, when: own }];
    });
    const service = this.#service(source, false);
    channelNotes(this.#channel.xml, (place, category, text) =>
      this.#line('look', place, category, text),
    );
    const rule = {
      name: plainValue(this.#channel.name),
      ...(when !== undefined && { when }),
      send,
    };
    this.#line('made', '', 'made', `process ${this.#name}, rules for ${send.length} targets`);
    const rules = [rule, ...(when === undefined ? [] : [{ otherwise: 'discard' }])];
    return this.#made({ title: plainValue(this.#channel.name), rules }, service);
  }

  #statementOf(place: string, host: Block): string {
    const name = this.#names.take(`${this.#name.slice(0, 40)}-sql`);
    this.#operations[name] = { title: plainValue(`${this.#channel.name}: ${place}`), ...host };
    this.#targets.add(name);
    this.#ends += 1;
    this.#line('made', place, 'made', `operation ${name}, sql-out: a statement of the script`);
    return name;
  }

  #line(kind: ReportLine['kind'], at: string | ScriptPlace, category: string, text: string): void {
    const { place, line } = typeof at === 'string' ? { place: at, line: undefined } : at;
    this.#lines.push({ kind, channel: this.#channel.name, place, line, category, text });
  }

  #notes(place: string): Notes {
    const { credential, environment, isPut } = this.#whole;
    return {
      environment,
      add: ({ kind, category, text }) => this.#line(kind, place, category, text),
      credential: (hint, entry) => {
        const name = credential(this.#name, hint, entry);
        this.#line('give', place, 'secrets', `the secret ${name}: \`waybill secret set ${name}\``);
        return name;
      },
      fixed: (text) => {
        if (!text.includes('$')) return text;
        const references = referencesOf(text);
        const names = references.map((one) => configured(one, isPut));
        if (names.includes(undefined)) return undefined;
        let made = text;
        for (const [index, written] of writtenReferences(text).entries()) {
          const name = environment(names[index] ?? '');
          made = made.replace(written, `\${env:${name}}`);
          this.#line(
            'give',
            place,
            'configuration',
            `the environment variable ${name}, which was a value of the configuration map`,
          );
        }
        return made;
      },
    };
  }

  #service(source: XmlNode | undefined, answers: boolean): Block | undefined {
    const notes = this.#notes('source');
    const inbound = dataType(partText(source, 'transformer/inboundDataType')).type;
    const context = {
      ...notes,
      name: this.#name,
      answers,
      inbound,
      headers: headersIn(this.#channel.xml),
    };
    const before = this.#lines.length;
    const host = source === undefined ? undefined : sourceHost(source, context);
    // an adapter that is missing fails the check by itself
    if (host?.files === undefined || 'known_hosts' in host.files)
      this.#sourceMarks = this.#lines.slice(before).filter(({ kind }) => kind === 'mark');
    if (partText(source, 'transportName') === 'JavaScript Reader')
      this.#scripts.reader(this.#channel, partText(source, 'properties/script'));
    if (host === undefined) {
      this.#ends += 1;
      return this.#whole.isSentTo(this.#channel.id) ? undefined : this.#byHand();
    }
    Object.assign(this.#files, host.files);
    if (host.files === undefined) this.#ends += 1;
    const { xml } = this.#channel;
    const isStopped = startsStopped(xml);
    const isDisabled = partText(xml, 'exportData/metadata/enabled') === 'false';
    const isOff = isDisabled || isStopped;
    if (isOff) {
      const was = isDisabled ? 'was disabled' : 'was deployed without starting';
      const text = `the channel ${was}: its service is switched off, too; remove enabled, or start it`;
      this.#line('look', 'source', 'channels that are off', text);
    }
    this.#line('made', 'source', 'made', `service ${this.#name}-in, ${host.adapter}`);
    return {
      title: plainValue(this.#channel.name),
      ...hostBlock(host),
      ...(isOff && { enabled: false }),
      to: this.#name,
    };
  }

  /** A channel that nothing in the export sends to gets a service, as it was reached through the server's API. */
  #byHand(): Block {
    const path = `/channels/${this.#name}/messages`;
    const listen = '127.0.0.1:8081';
    this.#line(
      'look',
      'source',
      'channels outside of the export',
      `nothing in the export sends to it: it accepts messages by POST at ${listen}${path}`,
    );
    return { adapter: 'http-in', settings: { listen, path }, to: this.#name };
  }

  #destination(
    connector: XmlNode,
    answer: string | undefined,
    later: readonly (XmlNode | undefined)[],
  ): string {
    const given = partText(connector, 'name') || 'destination';
    const number = Number(partText(connector, 'metaDataId')) || 1;
    const { draft, name, marked } = this.#draft(connector, given);
    const made = [`name: ${JSON.stringify(given)}`, `number: ${number}`];
    this.#target(draft, given, name, made);
    made.push(...this.#stages.of(connector, { hint: slug(given), place: given }));
    if (isBinary(connector)) made.push('binary: true');
    if (partText(connector, 'waitForPrevious') === 'false') made.push('apart: true');
    this.#texts(draft, given, made);
    if (marked.length > 0 && draft.host?.files === undefined) {
      const text = placeText({ place: given, text: marked.map((one) => one.text).join('; ') });
      // a setting that cannot be translated stops what is sent to the host
      made.push(`writer: ${this.#scripts.undone(`${slug(given)}-settings`, text)}`);
    }
    const response = part(connector, 'responseTransformer');
    const hasResponse = stepsOf(response).length > 0;
    const isAsked =
      answer === `d${number}` ||
      answer === given ||
      (answer === 'postprocessor' && draft.host !== undefined) ||
      (!isQueued(connector) && later.some((one) => readsAnswers(one, [`d${number}`, given])));
    if (hasResponse) {
      const at = { hint: `${slug(given)}-response`, place: `${given} response` };
      const stage = this.#stages.made(undefined, response, at);
      made.push(`response: {\n      ${stage.join(',\n      ')},\n    }`);
    }
    if ((hasResponse || isAsked) && (draft.host !== undefined || draft.channel !== undefined)) {
      this.#calls = true;
      made.push('call: true');
    }
    return `    {\n      ${made.join(',\n      ')},\n    }`;
  }

  #draft(
    connector: XmlNode,
    given: string,
  ): { draft: DestinationDraft; name: string; marked: readonly ReportLine[] } {
    const name = this.#names.take(`${this.#name.slice(0, 35)}-${slug(given, 24)}`);
    const before = this.#lines.length;
    const outbound = dataType(partText(connector, 'transformer/outboundDataType')).type;
    const draft = destinationOf(connector, { ...this.#notes(given), name, outbound });
    const marked = this.#lines.slice(before).filter(({ kind }) => kind === 'mark');
    return { draft, name, marked };
  }

  #target(
    { host, channel, script }: DestinationDraft,
    given: string,
    name: string,
    made: string[],
  ): string | undefined {
    if (script !== undefined) {
      made.push(`writer: ${this.#scripts.imported(`${slug(given)}-writer`, given, script)}`);
      this.#ends += 1;
    }
    if (channel !== undefined) return this.#nextChannel(channel, given, made);
    if (host === undefined) {
      if (script === undefined) this.#ends += 1;
      return undefined;
    }
    if (host.files === undefined || 'known_hosts' in host.files) this.#ends += 1;
    Object.assign(this.#files, host.files);
    this.#operations[name] = {
      title: plainValue(`${this.#channel.name}: ${given}`),
      ...hostBlock(host),
    };
    this.#targets.add(name);
    made.push(`to: '${name}'`);
    this.#line('made', given, 'made', `operation ${name}, ${host.adapter}`);
    return name;
  }

  #nextChannel(channel: string, given: string, made: string[]): string | undefined {
    const process = this.#whole.processes.get(channel);
    if (process === undefined) {
      const text =
        'sends to a channel that is not in this export: import both together, or choose a target';
      this.#line('mark', given, 'channels outside of the export', text);
      made.push(
        `writer: ${this.#scripts.undone(`${slug(given)}-channel`, placeText({ place: given, text }))}`,
      );
      return undefined;
    }
    this.#ends += 1;
    this.#targets.add(process);
    made.push(`to: '${process}'`);
    this.#line('made', given, 'made', `sends to process ${process}`);
    return process;
  }

  #texts(
    { template, values, form, label, type, charset, pass }: DestinationDraft,
    place: string,
    made: string[],
  ): void {
    for (const [key, text] of [
      ['template', template],
      ['label', label],
    ] as const) {
      if (text === undefined || (key === 'template' && text === '${message.encodedData}')) continue;
      if (key === 'template' && text === '') {
        made.push("template: ''");
        continue;
      }
      const fault = templateFault(text);
      if (fault !== undefined) {
        const what = `the ${key} is a template of Velocity that ${fault}: write it in a transform`;
        this.#line('mark', place, 'Velocity', what);
        made.push(
          `writer: ${this.#scripts.undone(`${slug(place)}-${key}`, placeText({ place, text: what }))}`,
        );
      }
      made.push(`${key}: ${JSON.stringify(text)}`);
    }
    if (values !== undefined) made.push(`values: ${JSON.stringify(values)}`);
    if (form !== undefined) made.push(`form: ${JSON.stringify(form)}`);
    if (type !== undefined) made.push(`type: '${type}'`);
    if (charset !== undefined) made.push(`charset: '${charset}'`);
    if (pass !== undefined) made.push(`pass: ${JSON.stringify(pass)}`);
  }

  #definition(
    source: XmlNode | undefined,
    stages: readonly string[],
    answer: string | undefined,
  ): string {
    const { id, name, xml } = this.#channel;
    const parts = [`name: ${JSON.stringify(name)}`, `id: ${JSON.stringify(id)}`];
    const isHttp = partText(source, 'transportName') === 'HTTP Listener';
    const at = { hint: 'source', place: 'source' };
    const own = [...this.#stages.of(source, at), ...comes(source), ...this.#undoneOf(source)];
    parts.push(`source: {\n    ${own.join(',\n    ')},\n  }`);
    for (const [key, path] of [
      ['preprocessor', 'preprocessingScript'],
      ['postprocessor', 'postprocessingScript'],
      ['deploy', 'deployScript'],
    ] as const) {
      const script = partText(xml, path);
      if (!isTrivial(script)) parts.push(`${key}: ${this.#scripts.imported(key, key, script)}`);
    }
    const shared = [...this.#whole.globalScripts].map(([key, script]) => {
      const made = this.#scripts.imported(`global-${key}`, `global ${key}`, script);
      return `${key}: ${made}`;
    });
    if (shared.length > 0) parts.push(`global: { ${shared.join(', ')} }`);
    if (!isTrivial(partText(xml, 'undeployScript'))) {
      this.#line(
        'look',
        'undeploy',
        'scripts',
        'the undeploy script was left out: nothing is ever undeployed',
      );
    }
    if (!isTrivial(partText(xml, 'deployScript'))) {
      this.#line(
        'look',
        'deploy',
        'scripts',
        'the deploy script runs in each engine before the first message of any channel',
      );
    }
    if (answer !== undefined) parts.push(...answerParts(source, answer, isHttp));
    if (answer === 'auto') {
      if (answersForDestinations(source)) parts.push('answersForDestinations: true');
      const codes = acknowledgementsOf(source);
      if (Object.keys(codes).length > 0) parts.push(`acknowledgements: ${JSON.stringify(codes)}`);
    }
    if (this.#scripts.waits) parts.push('waits: true');
    const { routes } = this.#scripts;
    if (routes.size > 0) parts.push(`channels: ${JSON.stringify(Object.fromEntries(routes))}`);
    const list = stages.length === 0 ? '[]' : `[\n${stages.join(',\n')},\n  ]`;
    parts.push(`destinations: ${list}`);
    const imports = ["import { channel } from 'waybill/mirth';", ...this.#scripts.imports].join(
      '\n',
    );
    return `${imports}\n\nexport default channel({\n  ${parts.join(',\n  ')},\n});\n`;
  }
}
