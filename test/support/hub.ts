import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../sandbox/free-port.ts';
import { hospital } from '../../sandbox/hospital.ts';
import { demoMessages } from '../../src/cli/demo/demo-messages.ts';
import { type DemoPki, demoPki } from '../../src/cli/demo/demo-pki.ts';
import { demoWorld } from '../../src/cli/demo/demo-world.ts';
import { mllpClient } from '../../src/cli/mllp-client.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { startOperator } from '../../src/plane/operator-plane.ts';
import { wayTo } from './as-administrator.ts';
import { addLocalUser, type LocalUser } from './local-user.ts';

const PRODUCTION = join(import.meta.dirname, '../../productions/adt-hub');

export interface Hub extends AsyncDisposable {
  /** Where the console is; ends without a slash. */
  readonly url: string;
  /** The demo's messages for the hospital's systems: real HL7, some of it suspended. */
  readonly messages: readonly Uint8Array[];
  /** Sends over MLLP and mutual TLS, one after another; resolves once all are acknowledged. */
  send(messages: readonly Uint8Array[]): Promise<void>;
}

export interface HubOptions {
  /** Systems that do not listen: messages for them are retried again and again. */
  readonly silent?: readonly string[];
  /** The users; without any, everybody is administrator. */
  readonly users?: readonly LocalUser[];
  /** Also start the mail server, the SFTP server and Graph. */
  readonly whole?: boolean;
}

/** The systems around the hub. */
interface Around {
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const SYSTEMS = ['ward', 'lab', 'pharmacy', 'registry'];

/** The hub of the demo with its console, and the systems around it. */
export async function hub(
  consoleFolder: string,
  { silent = [], users = [], whole = false }: HubOptions = {},
): Promise<Hub> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-hub-'));
  const pki = await demoPki(join(folder, 'pki'));
  const around = whole ? await everything(folder, pki) : await receivers(folder, pki);
  const port = await freePort();
  const closed = `127.0.0.1:${await freePort()}`;
  const data = join(folder, 'data');
  await mkdir(data);
  for (const user of users) await addLocalUser(data, user);
  const production = join(folder, 'adt-hub');
  await cp(PRODUCTION, production, { recursive: true });
  // messages for a silent system are not waited for at the end
  await writeFile(join(production, 'overlays/brief.yaml'), 'settings: { shutdownTimeout: 1s }\n');
  const running = await runProduction({
    folder: production,
    overlays: whole ? ['brief'] : ['hl7-only', 'brief'],
    data,
    durability: 'process-crash',
    log: silentLogger,
    environment: {
      ...around.environment,
      WAYBILL_DEMO_LISTEN: `127.0.0.1:${port}`,
      ...Object.fromEntries(silent.map((name) => [variableOf(name), closed])),
    },
    say: () => undefined,
  });
  const { definition } = running;
  const operator = await startOperator({
    access: running.access,
    production: definition.name,
    data,
    trace: undefined,
    search: definition.settings.search,
    keep: definition.settings.keep,
    log: silentLogger,
    console: { host: '127.0.0.1', port: 0, trustedProxies: ['127.0.0.1'], consoleFolder },
  });
  const way = await wayTo(operator, { data, wanted: users.length === 0 });
  return {
    url: way.url.replace(/\/$/, ''),
    messages: await demoMessages(PRODUCTION),
    async send(messages) {
      const client = await mllpClient({
        host: '127.0.0.1',
        port,
        tls: { trust: pki.trust, certificate: pki.sender.certificate, key: pki.sender.key },
      });
      for (const message of messages) await client.send(message);
      client.close();
    },
    async [Symbol.asyncDispose]() {
      await way[Symbol.asyncDispose]();
      await operator.stop();
      await running.stop();
      await around.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const variableOf = (system: string): string => `WAYBILL_DEMO_${system.toUpperCase()}`;

/** The systems that take HL7, and a folder for the archive. */
async function receivers(folder: string, pki: DemoPki): Promise<Around> {
  const peers = await hospital({
    systems: Object.fromEntries(SYSTEMS.map((name) => [name, 0])),
    tls: { certificate: pki.hospital.certificate, key: pki.hospital.key, trust: pki.trust },
  });
  return {
    environment: {
      WAYBILL_DEMO_PKI: pki.folder,
      WAYBILL_DEMO_ARCHIVE: join(folder, 'archive'),
      ...Object.fromEntries(
        peers.systems.map(({ name, port }) => [variableOf(name), `127.0.0.1:${port}`]),
      ),
    },
    close: () => peers.close(),
  };
}

async function everything(folder: string, pki: DemoPki): Promise<Around> {
  const world = await demoWorld(folder, pki);
  return {
    environment: world.environment,
    close: async () => {
      await world[Symbol.asyncDispose]();
    },
  };
}
