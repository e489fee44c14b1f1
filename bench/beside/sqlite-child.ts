import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** `node:sqlite` in a process of its own, which can be ended when a statement takes too long; its parent sends statements. */
// as the adapter: others may write
const database = new DatabaseSync(process.argv[2] ?? '', { timeout: 10_000 });
const known = new Map<string, StatementSync>();

interface Order {
  readonly number: number;
  readonly text: string;
  readonly values: readonly (string | number)[];
}

process.on('message', ({ number, text, values }: Order) => {
  const statement = known.get(text) ?? database.prepare(text);
  known.set(text, statement);
  statement.setReadBigInts(true);
  process.send?.({ number, rows: statement.all(...values) });
});
process.on('disconnect', () => {
  database.close();
  process.exit();
});
