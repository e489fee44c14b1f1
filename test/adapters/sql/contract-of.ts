import sqlIn from '../../../adapters/sql/sql-in.ts';
import sqlOut from '../../../adapters/sql/sql-out.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import type { SqlDatabase } from '../../support/sql-databases.ts';

let tables = 0;

const row = (body: Buffer): Buffer => Buffer.from(JSON.stringify({ body: body.toString() }));
const quoted = (body: Buffer, { words }: SqlDatabase): string => words.quoted(body.toString());

/**
 * Both directions against one server. What a product does otherwise when it reads by a key is in `reading-of.ts`; the
 * rest of that is the same code on the same connection, so one product shows it.
 */
export function describeContracts(
  database: () => SqlDatabase,
  ways: readonly ('mark' | 'key')[] = ['mark'],
): void {
  for (const by of ways) {
    describeInbound(sqlIn, {
      peer: () => inboundPeer(database(), by),
      delivered: row,
    });
  }
  describeOutbound(sqlOut, {
    peer: () => outboundPeer(database()),
    refusals: {
      // asked only where the server is there
      get temporary() {
        return { code: database().words.temporary };
      },
      final: { code: 'CONSTRAINT' },
    },
  });
}

async function inboundPeer(database: SqlDatabase, by: 'mark' | 'key'): Promise<InboundPeer> {
  const table = `outbox_${++tables}`;
  const gate = await database.gate();
  await database.ask(
    `CREATE TABLE ${table} (${database.words.counting}, body VARCHAR(600), sent INT DEFAULT 0)`,
  );
  const ways = {
    mark: {
      query: database.words.locking(`SELECT body FROM ${table} WHERE sent = 0 ORDER BY n`),
      after: `UPDATE ${table} SET sent = 1 WHERE body = {body}`,
    },
    key: { query: `SELECT body FROM ${table}`, key: 'body' },
  };
  return {
    given: { ...gate.given, ...ways[by], every: '50ms' },
    options: database.options,
    async offer(body, opened) {
      await database.ask(`INSERT INTO ${table} (body) VALUES (${quoted(body, database)})`);
      return {
        async standing() {
          if (by === 'key') {
            const text = JSON.stringify(JSON.stringify(body.toString())).slice(3, -3);
            const noted = opened.memory?.includes(JSON.stringify(body.toString()));
            return noted === true || opened.memory?.includes(text) === true ? 'taken' : 'waiting';
          }
          const [found] = await database.ask(
            `SELECT sent FROM ${table} WHERE body = ${quoted(body, database)}`,
          );
          return found?.['sent'] === 1 ? 'taken' : 'waiting';
        },
      };
    },
    breakDown: () => gate.shut(),
    [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose](),
  };
}

async function outboundPeer(database: SqlDatabase): Promise<OutboundPeer> {
  const table = `inbox_${++tables}`;
  const gate = await database.gate();
  await database.ask(
    `CREATE TABLE ${table} (${database.words.counting}, body ${database.words.longText})`,
  );
  return {
    given: {
      ...gate.given,
      statements: `INSERT INTO ${table} (body) VALUES ({body()})`,
    },
    options: database.options,
    async received() {
      const rows = await database.ask(`SELECT body FROM ${table} ORDER BY n`);
      return rows.map(({ body }) => Buffer.from(String(body)));
    },
    hold: () => gate.pause(),
    release: () => gate.resume(),
    refuse: (how) => database.refuse(table, how),
    breakDown: () => gate.shut(),
    repair: () => gate.open(),
    [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose](),
  };
}
