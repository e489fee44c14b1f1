import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { background } from '../../src/error/background.ts';
import { SECRET_MARKER } from '../../test/contract/marker.ts';
import { oracleDatabase } from '../../test/support/oracle-database.ts';
import { sqlServerDatabase, USER } from '../../test/support/sql-databases.ts';
import type { BenchDatabase } from './sql-client.ts';

/** The peers of the tests that speak the protocols of SQL Server and Oracle. */
const PEERS = {
  sqlserver: () => sqlServerDatabase({ encryption: 'off' }),
  oracle: oracleDatabase,
} as const;

/** One of them in a process of its own: its work counts for neither side. */
async function apart(product: keyof typeof PEERS): Promise<BenchDatabase> {
  const child = fork(fileURLToPath(import.meta.url), ['--peer', product]);
  const [port] = (await once(child, 'message')) as [number];
  return {
    product,
    port,
    given: () => ({ product, database: 'clinic', credential: 'clinic' }),
    options: {
      credentials: { clinic: { kind: 'basic', user: USER, password: SECRET_MARKER } },
    },
    async ask(...statements) {
      const done = once(child, 'message');
      child.send(statements);
      await done;
      return [];
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

export const sqlServerApart = (): Promise<BenchDatabase> => apart('sqlserver');
export const oracleApart = (): Promise<BenchDatabase> => apart('oracle');

async function serve(product: keyof typeof PEERS): Promise<void> {
  const { peer, port } = await PEERS[product]();
  const asked = async (statements: readonly string[]): Promise<void> => {
    await peer.ask(...statements);
    // it keeps what it was asked, for tests
    peer.texts.length = 0;
    process.send?.('done');
  };
  process.on('message', (statements: readonly string[]) =>
    background(asked(statements), 'asking the peer'),
  );
  process.on('disconnect', () => process.exit());
  process.send?.(port);
}

const [, , option, product] = process.argv;
if (option === '--peer') await serve(product === 'oracle' ? 'oracle' : 'sqlserver');
