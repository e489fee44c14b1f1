import { type Names, slug } from '../names.ts';
import type { ReportLine } from '../report.ts';
import type { WholeImport } from './channel-import.ts';
import type { Placed } from './channel-parts.ts';
import type { ExportedChannel } from './read-export.ts';
import type { RewrittenScript } from './script/rewritten.ts';
import { placeText, scriptModule } from './script-module.ts';
import type { ScriptStatements } from './script-statements.ts';

/** A place in a channel, with the line in its script. */
export type ScriptPlace = Pick<ReportLine, 'place' | 'line'>;

interface Around {
  /** The channel’s process. */
  readonly name: string;
  readonly around: WholeImport;
  readonly files: Record<string, string>;
  readonly names: Names;
  readonly targets: Set<string>;
  readonly statements: ScriptStatements;
  readonly line: (
    kind: ReportLine['kind'],
    at: string | ScriptPlace,
    category: string,
    text: string,
  ) => void;
}

/** The scripts of a channel, each written to a module. */
export class ChannelScripts {
  /** What the process’s module imports. */
  readonly imports: string[] = [];
  /** Names and ids of channels that scripts route to → their processes. */
  readonly routes = new Map<string, string>();
  /** Whether any of them is asynchronous. */
  waits = false;
  readonly #of: Around;
  #made = 0;

  constructor(of: Around) {
    this.#of = of;
  }

  /** Turns a JavaScript Reader into an adapter. */
  reader({ name, id }: ExportedChannel, text: string): void {
    const { file, routes } = this.#script('reader', 'source', text);
    if (routes) {
      this.#of.line(
        'mark',
        'source',
        'routing by a value',
        'the reader routes messages itself: return them instead',
      );
    }
    const facts = JSON.stringify({ name, id });
    this.#of.files[`adapters/${this.#of.name}-in.ts`] =
      `import { scriptReader } from 'waybill/mirth';\nimport script from '../${file}';\n\nexport default scriptReader(${facts}, script);\n`;
  }

  /** Returns the name of a script in the process’s module. */
  imported(hint: string, place: string, text: string, steps?: readonly Placed[]): string {
    return this.#named(this.#script(hint, place, text, steps).file);
  }

  /** The same for a place that a person has to write: its module cannot be loaded until then. */
  undone(hint: string, text: string): string {
    const file = this.#file(hint);
    this.#of.files[file] =
      `import { todo } from 'waybill/mirth';\n\nexport default todo([\n  ${JSON.stringify(text)},\n]);\n`;
    return this.#named(file);
  }

  #file(hint: string): string {
    return `scripts/${this.#of.name}/${this.#of.names.take(slug(hint))}.ts`;
  }

  #named(file: string): string {
    const name = `script${(this.#made += 1)}`;
    this.imports.push(`import ${name} from '../${file}';`);
    return name;
  }

  #script(
    hint: string,
    place: string,
    text: string,
    steps: readonly Placed[] = [],
  ): { file: string; routes: boolean } {
    const { around, files, line, statements } = this.#of;
    const maker = hint === 'reader' ? undefined : statements.makerOf(place);
    const made = around.rewrite(text, place, maker);
    if (made.waits || (made.templates.size > 0 && around.templatesWait)) this.waits = true;
    const marks = made.marks.map(({ line: number, category, what }) => {
      const at = steps.findLast(({ from }) => from <= number);
      const own =
        at === undefined
          ? { place, line: number }
          : { place: `${place}, ${at.name}`, line: number - at.from + 1 };
      line('mark', own, category, what);
      return placeText({ ...own, text: what });
    });
    for (const { name, undone } of steps) {
      if (undone === undefined) continue;
      line('mark', `${place}, ${name}`, undone.category, undone.what);
      marks.push(placeText({ place: `${place}, ${name}`, text: undone.what }));
    }
    this.#notes(made, place);
    const routes = this.#route(made, place, marks);
    const file = this.#file(hint);
    const modulePlace = { toTemplates: '../../code/', fileOf: around.fileOf };
    files[file] = scriptModule(made, marks, modulePlace);
    return { file, routes };
  }

  #notes({ secrets, unlogged, imports }: RewrittenScript, place: string): void {
    const { line } = this.#of;
    for (const name of secrets) {
      line(
        'give',
        place,
        'secrets',
        `the environment variable ${name}: the script contained a secret`,
      );
    }
    if (unlogged > 0) {
      const text = `${unlogged} log statements keep only their constant text, because values may identify a patient`;
      line('look', place, 'logs', text);
    }
    if (imports.has('globalMap') || imports.has('$g')) {
      const text =
        'uses the global map: each engine has its own in memory, and loses it when it ends';
      line('look', place, 'global map', text);
    }
  }

  #route({ routes }: RewrittenScript, place: string, marks: string[]): boolean {
    const { around, line } = this.#of;
    for (const name of routes) {
      if (name === undefined) {
        this.#routeAnywhere(place);
        continue;
      }
      const process = around.processes.get(name);
      if (process === undefined) {
        const text = `routes to the channel ${name}, which is not in this export`;
        line('mark', place, 'channels outside of the export', text);
        marks.push(placeText({ place, text }));
      } else this.#routesTo(name, process);
    }
    return routes.length > 0;
  }

  #routesTo(name: string, process: string): void {
    this.routes.set(name, process);
    this.#of.targets.add(process);
  }

  /** The target depends on the message: any channel of the export may be meant. */
  #routeAnywhere(place: string): void {
    const { around, line, name } = this.#of;
    for (const [key, process] of around.processes)
      if (process !== name) this.#routesTo(key, process);
    line(
      'look',
      place,
      'routing by a value',
      'routes to a channel that depends on the message: it may send to every one in this production; keep under to: only those that are meant',
    );
  }
}
