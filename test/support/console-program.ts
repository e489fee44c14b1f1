import type { NatsAccess } from '../../src/broker/embedded/nats-server.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { startOperator } from '../../src/plane/operator-plane.ts';

/** The program of `console-process.ts`. */

export interface ConsoleGiven {
  readonly access: NatsAccess;
  readonly production: string;
  readonly data: string;
  readonly port: number;
  readonly consoleFolder: string;
}

const [, , given = ''] = process.argv;
const { port, consoleFolder, ...rest } = JSON.parse(given) as ConsoleGiven;
const console = { host: '127.0.0.1', port, consoleFolder, trustedProxies: ['127.0.0.1'] };
await startOperator({ ...rest, search: new Map(), keep: 1_000, log: silentLogger, console });
