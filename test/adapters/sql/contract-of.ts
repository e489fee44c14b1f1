import sqlIn from '../../../adapters/sql/sql-in.ts';
import sqlOut from '../../../adapters/sql/sql-out.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import type { SqlDatabase } from '../../support/sql-databases.ts';
import { tcpGate } from '../../support/tcp-gate.ts';

let tables = 0;

const row = (body: Buffer): Buffer => Buffer.from(JSON.stringify({ body: body.toString() }));
const quoted = (body: Buffer, { product }: SqlDatabase): string => {
  const text = body.toString().replaceAll("'", "''");
  return `'${product === 'mysql' ? text.replaceAll('\\', '\\\\') : text}'`;
};

/** What each product says to make a table whose first column counts. */
const counting = ({ product }: SqlDatabase): string =>
  product === 'mysql' ? 'n BIGINT AUTO_INCREMENT PRIMARY KEY' : 'n BIGSERIAL PRIMARY KEY';
const longText = ({ product }: SqlDatabase): string => (product === 'mysql' ? 'LONGTEXT' : 'TEXT');

/** Both directions, with marks and with a key, against one server. */
export function describeContracts(database: () => SqlDatabase): void {
  describeInbound(sqlIn, {
    peer: () => inboundPeer(database(), 'mark'),
    delivered: row,
  });
  describeInbound(sqlIn, {
    peer: () => inboundPeer(database(), 'key'),
    delivered: row,
  });
  describeOutbound(sqlOut, {
    peer: () => outboundPeer(database()),
    refusals: { temporary: { code: 'DEADLOCK' }, final: { code: 'CONSTRAINT' } },
  });
}

async function inboundPeer(database: SqlDatabase, by: 'mark' | 'key'): Promise<InboundPeer> {
  const table = `outbox_${++tables}`;
  const gate = await tcpGate(database.port);
  await database.ask(
    `CREATE TABLE ${table} (${counting(database)}, body VARCHAR(600), sent INT DEFAULT 0)`,
  );
  const ways = {
    mark: {
      query: `SELECT body FROM ${table} WHERE sent = 0 ORDER BY n FOR UPDATE`,
      after: `UPDATE ${table} SET sent = 1 WHERE body = {body}`,
    },
    key: { query: `SELECT body FROM ${table}`, key: 'body' },
  };
  return {
    given: { ...database.given(gate.port), ...ways[by], every: '50ms' },
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
  const gate = await tcpGate(database.port);
  await database.ask(`CREATE TABLE ${table} (${counting(database)}, body ${longText(database)})`);
  return {
    given: {
      ...database.given(gate.port),
      statements: `INSERT INTO ${table} (body) VALUES ({body()})`,
    },
    options: database.options,
    async received() {
      const rows = await database.ask(`SELECT body FROM ${table} ORDER BY n`);
      return rows.map(({ body }) => Buffer.from(String(body)));
    },
    hold: () => gate.pause(),
    release: () => gate.resume(),
    refuse: (how) => refuse(database, table, how),
    breakDown: () => gate.shut(),
    repair: () => gate.open(),
    [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose](),
  };
}

/** A trigger of the database's owner that takes nothing. */
async function refuse(
  database: SqlDatabase,
  table: string,
  how: 'temporary' | 'final',
): Promise<void> {
  if (database.product === 'mysql') {
    const [state, number] = how === 'temporary' ? ['40001', 1213] : ['23000', 4025];
    await database.ask(
      `CREATE TRIGGER refuse_${table} BEFORE INSERT ON ${table} FOR EACH ROW SIGNAL SQLSTATE '${state}' SET MYSQL_ERRNO = ${number}`,
    );
    return;
  }
  const state = how === 'temporary' ? '40001' : '23514';
  await database.ask(
    `CREATE FUNCTION refuse_${table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING ERRCODE = '${state}'; END $$`,
    `CREATE TRIGGER refuse BEFORE INSERT ON ${table} EXECUTE FUNCTION refuse_${table}()`,
  );
}
