import { stringify } from 'yaml';
import { toXml } from '../../mirth/e4x/node.ts';
import { Names, slug, variableName } from '../names.ts';
import { portsApart } from '../ports.ts';
import type { ExportFile, ImportedProduction } from '../production-files.ts';
import { type ChannelState, type ImportReport, type ReportLine, reportText } from '../report.ts';
import { type ImportedChannel, importChannel, type WholeImport } from './channel-import.ts';
import { isTrivial } from './channel-parts.ts';
import type { Block } from './drafts.ts';
import { type CodeTemplate, type MirthExport, readExport } from './read-export.ts';
import { rewriteScript } from './script/rewrite.ts';
import type { RewrittenScript, StatementMaker } from './script/rewritten.ts';
import { placeText, templateModule } from './script-module.ts';

/** Makes a production from the channels of an export. Nothing in it is run. */
export function importMirth(exported: readonly ExportFile[], name: string): ImportedProduction {
  return new Import(readExport(exported), name).production();
}

/** What makes a script asynchronous. */
const WAITING = /DatabaseConnectionFactory|Thread\.sleep|[=(:?,]\s*\w*[rR]outer\.routeMessage/;

class Import {
  readonly #export: MirthExport;
  readonly #name: string;
  readonly #processes = new Map<string, string>();
  readonly #credentials: Record<string, Block> = {};
  readonly #names = new Names();
  readonly #environment = new Set<string>();
  readonly #files = new Map<string, string>();
  readonly #lines: ReportLine[] = [];
  /** What a code template declares → its file, under `code/`. */
  readonly #templates = new Map<
    string,
    { readonly file: string; readonly template: CodeTemplate }
  >();
  readonly #used = new Set<string>();
  readonly #put = new Set<string>();
  /** Whether any script of the export is asynchronous. */
  readonly #waits: boolean;

  constructor(exported: MirthExport, name: string) {
    this.#export = exported;
    this.#name = slug(name, 60);
    for (const channel of exported.channels) {
      const process = this.#names.take(slug(channel.name));
      this.#processes.set(channel.id, process);
      if (!this.#processes.has(channel.name)) this.#processes.set(channel.name, process);
    }
    this.#waits = [
      ...exported.channels.map(({ xml }) => toXml(xml)),
      ...exported.templates.map(({ code }) => code),
    ].some((text) => WAITING.test(text));
    this.#nameTemplates();
    this.#findPuts();
  }

  #templatesWait(): boolean {
    return this.#export.templates.some(({ code }) => WAITING.test(code));
  }

  production(): ImportedProduction {
    const sentTo = this.#sentTo();
    const whole: WholeImport = {
      processes: this.#processes,
      rewrite: (text, place, statement) =>
        this.#rewrite(text, place, { form: 'script', statement }),
      templatesWait: this.#templatesWait(),
      fileOf: (declared) => this.#templates.get(declared)?.file,
      isSentTo: (id) => sentTo.has(id),
      isPut: (variable) => this.#put.has(variable),
      credential: (channel, hint, entry) => this.#credential(channel, hint, entry),
      globalScripts: this.#sharedScripts(),
      environment: (variable) => {
        this.#environment.add(variable);
        return variable;
      },
    };
    const made = this.#export.channels.map((channel) => importChannel(channel, whole));
    // an export of libraries alone is imported as a whole
    if (made.length === 0) for (const { file } of this.#templates.values()) this.#used.add(file);
    this.#writeTemplates();
    for (const { files, lines } of made) {
      for (const [name, text] of Object.entries(files)) this.#files.set(name, text);
      this.#lines.push(...lines);
    }
    this.#globalScripts();
    for (const { file, what, isLeftOut = false } of this.#export.faults) {
      const text = isLeftOut ? what : `cannot be read: ${what}`;
      this.#lines.push({
        kind: isLeftOut ? 'look' : 'mark',
        channel: file,
        place: 'file',
        category: isLeftOut ? 'left out' : 'files that cannot be read',
        text,
      });
    }
    if (made.length > 0) this.#files.set('production.yaml', this.#yaml(made));
    const report = this.#report(made);
    this.#files.set('import-report.md', reportText(report));
    if (this.#environment.size > 0) {
      const names = [...this.#environment].toSorted().map((name) => `${name}=\n`);
      this.#files.set(
        'import.env',
        `# Values from the configuration map and scripts: set these in the engine’s environment.\n${names.join('')}`,
      );
    }
    return { files: this.#files, report };
  }

  /** Ids of channels that another one sends to, by a Channel Writer or a script. */
  #sentTo(): Set<string> {
    const { channels, templates } = this.#export;
    const texts = [...channels.map(({ xml }) => toXml(xml)), ...templates.map(({ code }) => code)];
    return new Set(
      channels
        .filter(({ id, name }) =>
          texts.some(
            (text) =>
              text.includes(`<channelId>${id}</channelId>`) ||
              [id, name].some((one) => text.includes(`'${one}'`) || text.includes(`"${one}"`)),
          ),
        )
        .map(({ id }) => id),
    );
  }

  #report(made: readonly ImportedChannel[]): ImportReport {
    const channels = this.#export.channels.map(({ name }, index) => ({
      name,
      state: this.#state(name, made[index]),
    }));
    const broken = this.#export.faults
      .filter(({ isLeftOut }) => isLeftOut !== true)
      .map(({ file }) => ({ name: file, state: 'not' as const }));
    const modules = [...this.#files.keys()].filter((name) => name.startsWith('code/'));
    const templates = modules.map((name) => ({
      name,
      state: this.#isMarked(name) ? ('partial' as const) : ('complete' as const),
    }));
    return {
      from: 'Mirth Connect',
      unit: 'channel',
      folder: this.#name,
      channels: [...channels, ...broken],
      templates,
      lines: this.#lines,
    };
  }

  #state(name: string, made: ImportedChannel | undefined): ChannelState {
    if (made === undefined || !made.hasEnds) return 'not';
    const isMarked = this.#lines.some((one) => one.kind === 'mark' && one.channel === name);
    const isTemplateMarked = [...this.#usedBy(made)].some((one) => this.#isMarked(one));
    return isMarked || isTemplateMarked ? 'partial' : 'complete';
  }

  /** Whether a place of a code template’s module is marked. */
  #isMarked(name: string): boolean {
    return this.#lines.some(({ kind, place }) => kind === 'mark' && place === name);
  }

  /** The code templates that a channel's scripts use, directly and indirectly. */
  #usedBy(made: ImportedChannel): Set<string> {
    const found = new Set<string>();
    const look = (text: string): void => {
      for (const [, file = ''] of text.matchAll(
        /from '(?:\.\.\/\.\.\/code\/|\.\/)([\w-]+\.ts)'/g,
      )) {
        const place = `code/${file}`;
        if (found.has(place)) continue;
        found.add(place);
        look(this.#files.get(place) ?? '');
      }
    };
    for (const text of Object.values(made.files)) look(text);
    return found;
  }

  #yaml(made: readonly ImportedChannel[]): string {
    const given = Object.assign({}, ...made.map((one) => one.services)) as Record<string, Block>;
    const services = portsApart(given, (service, text) => {
      const title = given[service]?.['title'];
      const channel = typeof title === 'string' ? title : service;
      this.#lines.push({ kind: 'look', channel, place: 'source', category: 'ports', text });
    });
    const processes = Object.assign({}, ...made.map((one) => one.processes)) as Record<
      string,
      Block
    >;
    const operations = Object.assign({}, ...made.map((one) => one.operations)) as Block;
    for (const name of inRings(made)) {
      const process = processes[name];
      if (process !== undefined) process['run'] = 'queued';
    }
    const document = {
      production: this.#name,
      ...(Object.keys(this.#credentials).length > 0 && { credentials: this.#credentials }),
      ...(Object.keys(services).length > 0 && { services }),
      processes,
      ...(Object.keys(operations).length > 0 && { operations }),
    };
    return `# Made from an export of Mirth Connect; import-report.md says what needs a person.\n${stringify(document, { lineWidth: 120 })}`;
  }

  #credential(channel: string, hint: string, entry: Block): string {
    const name = this.#names.take(`${channel}-${slug(hint, 20)}`);
    const secret = `\${secret:${name}}`;
    this.#credentials[name] = {
      ...entry,
      [entry['kind'] === 'bearer' ? 'token' : 'password']: secret,
    };
    return name;
  }

  #rewrite(
    text: string,
    place: string,
    {
      form,
      statement,
    }: { readonly form: 'script' | 'module'; readonly statement?: StatementMaker | undefined },
  ): RewrittenScript {
    const made = rewriteScript(text, {
      form,
      waits: this.#waits,
      ...(statement !== undefined && { statement }),
      templates: new Set(this.#templates.keys()),
      secretName: (hint) => {
        const name = variableName('SECRET', place.split(/[ ,]/)[0] ?? '', hint);
        this.#environment.add(name);
        return name;
      },
    });
    for (const name of made.templates) this.#use(name);
    return made;
  }

  #use(name: string): void {
    const file = this.#templates.get(name)?.file;
    if (file === undefined || this.#used.has(file)) return;
    this.#used.add(file);
  }

  #nameTemplates(): void {
    const files = new Names();
    for (const template of this.#export.templates) {
      const file = `${files.take(slug(template.name))}.ts`;
      const { declares } = rewriteScript(template.code, {
        form: 'module',
        templates: new Set(),
        secretName: () => 'X',
      });
      const found = declares.length > 0 ? declares : namesIn(template.code);
      for (const name of found) {
        if (!this.#templates.has(name)) this.#templates.set(name, { file, template });
      }
    }
  }

  /** Writes only templates that are used: an export contains whole libraries. */
  #writeTemplates(): void {
    const written = new Set<string>();
    for (;;) {
      const next = [...this.#templates.values()].find(
        ({ file }) => this.#used.has(file) && !written.has(file),
      );
      if (next === undefined) return;
      written.add(next.file);
      const made = this.#rewrite(next.template.code, next.template.name, { form: 'module' });
      const place = `code/${next.file}`;
      const marks = made.marks.map(({ line, category, what }) => {
        this.#lines.push({
          kind: 'mark',
          channel: 'code templates',
          place,
          line,
          category,
          text: what,
        });
        return placeText({ place, line, text: what });
      });
      const own = new Set(
        [...made.templates].filter((name) => this.#templates.get(name)?.file !== next.file),
      );
      const names = [...this.#templates].filter(([, { file }]) => file === next.file);
      const stubs = made.declares.length > 0 ? [] : names.map(([name]) => name);
      const text = templateModule({ ...made, templates: own, stubs }, marks, {
        toTemplates: './',
        fileOf: (name) => this.#templates.get(name)?.file,
      });
      this.#files.set(place, text);
    }
  }

  /** Variables that scripts and mappers set: a template that names one refers to the message, not to the configuration. */
  #findPuts(): void {
    const pattern =
      /(?:Map\.put|\$(?:c|co|g|gc|r|s))\s*\(\s*['"]([^'"]+)['"]|<variable>([^<]+)<\/variable>/g;
    for (const { xml } of this.#export.channels) {
      const visit = (node: typeof xml): void => {
        if (node.kind === 'text') {
          for (const [, name] of node.value.matchAll(pattern))
            if (name !== undefined) this.#put.add(name);
        }
        if (node.name === 'variable')
          this.#put.add(node.children.map(({ value }) => value).join(''));
        for (const child of node.children) visit(child);
      };
      visit(xml);
    }
    for (const { code } of this.#export.templates) {
      for (const [, name] of code.matchAll(pattern)) if (name !== undefined) this.#put.add(name);
    }
  }

  /** The scripts that run for every channel. */
  #sharedScripts(): Map<string, string> {
    return new Map(
      [...this.#export.globalScripts]
        .filter(([name, script]) => name !== 'Undeploy' && !isTrivial(script))
        .map(([name, script]) => [name.toLowerCase(), script]),
    );
  }

  #globalScripts(): void {
    for (const [name, script] of this.#export.globalScripts) {
      if (isTrivial(script)) continue;
      const text =
        name === 'Undeploy'
          ? 'the global undeploy script was left out: nothing is ever undeployed'
          : `every channel runs it, ${name === 'Deploy' ? 'before its first message' : 'beside its own'}`;
      this.#lines.push({
        kind: 'look',
        channel: 'global scripts',
        place: name,
        category: 'global scripts',
        text,
      });
    }
  }
}

/** The names of functions in a script that cannot be parsed. */
const namesIn = (code: string): string[] =>
  [...code.matchAll(/^\s*function\s+([\w$]+)/gm)].map(([, name = '']) => name);

/** The processes that are part of a cycle: run inline, they would never end. */
function inRings(made: readonly ImportedChannel[]): string[] {
  const targets = new Map(made.map(({ process, sendsTo }) => [process, sendsTo]));
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    (targets.get(from) ?? []).some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, to, seen);
    });
  return made.map(({ process }) => process).filter((process) => reaches(process, process));
}
