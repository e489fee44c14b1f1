import type { ScriptDraft } from './draft.ts';
import type { Syntax } from './parse.ts';
import type { StatementMaker } from './rewritten.ts';
import { connectionIn, cutSql, onlyValue, type SqlCut } from './sql.ts';

const CATEGORY = 'a database in a script';
const TODO = 'make an operation with sql-out for it, and call that';

/** Turns database calls of a script into calls of operations. */
export class Statements {
  readonly #draft: ScriptDraft;
  readonly #body: readonly Syntax[];
  readonly #maker: StatementMaker | undefined;
  /** Expressions that are now in operations. */
  readonly #made = new Set<Syntax>();

  constructor(draft: ScriptDraft, body: readonly Syntax[], maker: StatementMaker | undefined) {
    this.#draft = draft;
    this.#body = body;
    this.#maker = maker;
  }

  /** The address and credentials of a connection are now in the production. */
  connection(given: readonly Syntax[]): boolean {
    if (this.#maker === undefined) return false;
    const [first, last] = [given[0], given.at(-1)];
    if (first !== undefined && last !== undefined) this.#draft.edit(first.start, last.end, '');
    return true;
  }

  /** Moves the text of a statement to an operation; its values stay. */
  statement(node: Syntax, [given]: readonly Syntax[]): void {
    const mark = (what: string): void => this.#draft.mark(node, CATEGORY, `${what}: ${TODO}`);
    if (this.#maker === undefined || given === undefined)
      return mark('uses a database where a script must not be asynchronous');
    const named =
      given.type === 'Identifier' ? onlyValue(this.#body, String(given['name'])) : given;
    if (named === undefined) return mark('its statement is built in several steps');
    if (this.#made.has(named)) return;
    const made = this.#maker({
      connection: connectionIn(this.#body),
      cut: (how) => cutSql(named, how),
    });
    if (typeof made === 'string') return mark(made);
    this.#made.add(named);
    this.#draft.waits = true;
    this.#write(named, made.operation, made.cut);
  }

  #write(node: Syntax, operation: string, { values }: SqlCut): void {
    const { imports } = this.#draft;
    imports.add('sqlStatement');
    let at = node.start;
    let text = `sqlStatement('${operation}'`;
    for (const [index, value] of values.entries()) {
      for (const name of ['quoted', 'unescaped'])
        if (value.before.startsWith(name)) imports.add(name);
      const before = `${text}${index === 0 ? ', [' : ', '}${value.before}`;
      this.#draft.edit(at, value.node.start, before);
      text = value.after;
      at = value.node.end;
    }
    this.#draft.edit(at, node.end, `${text}${values.length === 0 ? '' : ']'})`);
  }
}
