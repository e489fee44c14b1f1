import type { Syntax } from './parse.ts';
import type { Mark, RewrittenScript } from './rewritten.ts';

/** What is collected while a script is walked: edits of its text, and what it uses. */
export class ScriptDraft {
  readonly source: string;
  readonly imports = new Set<string>();
  readonly templates = new Set<string>();
  readonly routes: (string | undefined)[] = [];
  readonly puts: string[] = [];
  unlogged = 0;
  waits = false;
  readonly #marks: Mark[] = [];
  readonly #secrets: string[] = [];
  readonly #secretName: (hint: string) => string;
  /** By position; at the same position, in the order they were made. */
  readonly #edits: { at: number; until: number; text: string }[] = [];

  constructor(source: string, secretName: (hint: string) => string) {
    this.source = source;
    this.#secretName = secretName;
  }

  edit(at: number, until: number, text: string): void {
    this.#edits.push({ at, until, text });
  }

  slice({ start, end }: Syntax): string {
    return this.source.slice(start, end);
  }

  lineOf({ start }: Syntax): number {
    return this.source.slice(0, start).split('\n').length;
  }

  mark(node: Syntax, category: string, what: string): void {
    this.markLine(this.lineOf(node), category, what);
  }

  markLine(line: number, category: string, what: string): void {
    if (this.#marks.some((one) => one.line === line && one.what === what)) return;
    this.#marks.push({ line, category, what });
  }

  unmark(line: number, what: string): void {
    const index = this.#marks.findIndex((one) => one.line === line && one.what === what);
    if (index >= 0) this.#marks.splice(index, 1);
  }

  /** Replaces a secret by an environment variable. */
  hide(node: Syntax, hint: string): void {
    if (this.#edits.some(({ at, until }) => at === node.start && until === node.end)) return;
    const name = this.#secretName(hint);
    this.#secrets.push(name);
    this.imports.add('configurationMap');
    this.edit(node.start, node.end, `configurationMap.get('${name}')`);
  }

  e4x(): string {
    this.imports.add('e4x');
    return 'e4x';
  }

  /** The text between two positions of the source, with its edits applied. */
  edited(from: number, until: number): string {
    const edits = [...this.#edits].toSorted(
      (one, other) => one.at - other.at || one.until - other.until,
    );
    let made = '';
    let at = from;
    for (const edit of edits) {
      // edits inside a part that was replaced as a whole are dropped
      if (edit.at < at) continue;
      made += this.source.slice(at, edit.at) + edit.text;
      at = edit.until;
    }
    return made + this.source.slice(at, until);
  }

  result(text: string, declares: readonly string[]): RewrittenScript {
    return {
      text,
      declares,
      imports: this.imports,
      templates: this.templates,
      marks: this.#marks,
      secrets: this.#secrets,
      routes: this.routes,
      puts: this.puts,
      unlogged: this.unlogged,
      waits: this.waits,
    };
  }
}
