import { SECRET_MARKER } from '../contract/marker.ts';
import { certificates } from './certificates.ts';
import { described, type SqlDatabase, USER } from './sql-databases.ts';
import { OraclePeer } from './tns/oracle-peer.ts';
import { OracleError } from './tns/oracle-session.ts';

/** A peer that speaks Oracle's protocol, since the server itself is not available to the tests. */
export async function oracleDatabase(): Promise<SqlDatabase & { readonly peer: OraclePeer }> {
  const made = await certificates();
  const peer = await OraclePeer.start({
    certificate: made.server,
    accounts: { [USER]: SECRET_MARKER },
    service: 'clinic',
  });
  return {
    ...described('oracle', peer.port, made),
    peer,
    ask: (...statements) => peer.ask(...statements),
    async makeProcedure(table) {
      peer.procedures.set(`put_${table}`, {
        statement: `INSERT INTO ${table} VALUES (:v1, :v2)`,
        returns: 'SELECT :v1 + 1 AS next',
      });
    },
    async refuse(table, how) {
      const error =
        how === 'temporary'
          ? new OracleError(60, 'deadlock detected while waiting for resource')
          : new OracleError(2290, 'check constraint (CLINIC.NO) violated');
      peer.fail(new RegExp(`INSERT INTO ${table}\\b`), error, Number.POSITIVE_INFINITY);
    },
    running: async () => [...peer.running],
    async show(which) {
      peer.show(which === 'good' ? made.server : made.expiredServer);
    },
    crash: () => peer.crash(),
    hold: () => peer.hold(),
    goOn: () => peer.goOn(),
    async [Symbol.asyncDispose]() {
      await peer[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
    },
  };
}
