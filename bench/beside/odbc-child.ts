import { createRequire } from 'node:module';

/** `odbc` in a process of its own, which can be ended with a driver that hangs or fails; its parent sends statements. */
interface Odbc {
  connect(text: string): Promise<{
    query(text: string, values?: readonly (string | number)[]): Promise<readonly object[]>;
    close(): Promise<void>;
  }>;
}

interface Order {
  readonly number: number;
  readonly text: string;
  readonly values: readonly (string | number)[];
}

const driver = createRequire(import.meta.url)('odbc') as Odbc;
const opening = driver.connect(process.argv[2] ?? '');

async function answer({ number, text, values }: Order): Promise<void> {
  const connection = await opening;
  const rows = await connection.query(text, values);
  // without what the package adds to a list
  process.send?.({ number, rows: [...rows] });
}

async function end(): Promise<void> {
  await (await opening).close();
  process.exit();
}

process.on('message', (order: Order) => void answer(order));
process.on('disconnect', () => void end());
