import { type MessagePort, workerData } from 'node:worker_threads';
import { Client, TypeOverrides } from 'pg';
import type { MetaValue } from '../meta-database.ts';

/** A question of the thread that waits. */
export interface QueryOrder {
  readonly id: number;
  readonly text: string;
  readonly values: readonly MetaValue[];
}

export type QueryAnswer =
  | { readonly id: number; readonly rows: Record<string, MetaValue>[]; readonly count: number }
  | { readonly id: number; readonly code: string; readonly lost: boolean };

interface Lent {
  readonly url: string;
  readonly schema: string;
  readonly port: MessagePort;
  /** The id of the last question that was answered; who waits sleeps on it. */
  readonly signal: Int32Array;
}

const INT8 = 20;
const LIMIT = 10_000;

const { url, schema, port, signal } = workerData as Lent;
const types = new TypeOverrides();
// ids, times and counts are safe integers
types.setTypeParser(INT8, Number);

let connection: Promise<Client> | undefined;

function connected(): Promise<Client> {
  connection ??= connect();
  return connection;
}

/** The next question connects anew. */
function lose(): void {
  connection = undefined;
}

async function connect(): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: 'waybill operator',
    options: `-c search_path="${schema}" -c idle_in_transaction_session_timeout=30s`,
    connectionTimeoutMillis: LIMIT / 2,
    query_timeout: LIMIT,
    types,
  });
  client.on('error', lose);
  client.on('end', lose);
  await client.connect();
  return client;
}

/** Whether a transaction was begun; with its connection it is gone. */
let begun = false;

async function answerTo({ id, text, values }: QueryOrder): Promise<QueryAnswer> {
  const within = begun && text !== 'BEGIN';
  begun = text === 'BEGIN' || (within && text !== 'COMMIT' && text !== 'ROLLBACK');
  if (within && connection === undefined) return { id, code: 'connection lost', lost: true };
  try {
    const client = await connected();
    const { rows, rowCount } = await client.query(text, values.map(storable));
    return { id, rows: rows as Record<string, MetaValue>[], count: rowCount ?? 0 };
  } catch (error) {
    const refused = codeOf(error);
    if (refused.lost) lose();
    return { id, ...refused };
  }
}

function codeOf(error: unknown): { readonly code: string; readonly lost: boolean } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no connection';
  // five letters or digits are PostgreSQL's own: it is there, and refused
  return { code, lost: !/^[0-9A-Z]{5}$/.test(code) || /^(?:57|08)/.test(code) };
}

/** A text of PostgreSQL holds no NUL and only whole characters. */
function storable(value: MetaValue): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD').toWellFormed();
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

async function serve(order: QueryOrder): Promise<void> {
  port.postMessage(await answerTo(order));
  Atomics.store(signal, 0, order.id);
  Atomics.notify(signal, 0);
}

port.on('message', (order: QueryOrder) => void serve(order));
