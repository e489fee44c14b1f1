import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoMessages } from '../../src/cli/demo/demo-messages.ts';
import { demoPki } from '../../src/cli/demo/demo-pki.ts';
import { mllpClient } from '../../src/cli/mllp-client.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { startOperator } from '../../src/operator/operator-plane.ts';
import { freePort } from '../../src/sandbox/free-port.ts';
import { hospital } from '../../src/sandbox/hospital.ts';

const PRODUCTION = join(import.meta.dirname, '../../productions/adt-hub');

export interface Hub extends AsyncDisposable {
  /** Where the console is; ends without a slash. */
  readonly url: string;
  /** What the hospital's systems have of the demo's messages: real HL7, some of it suspended. */
  readonly messages: readonly Uint8Array[];
  /** Sends over MLLP and mutual TLS, one after the other; resolves once all are acknowledged. */
  send(messages: readonly Uint8Array[]): Promise<void>;
}

/** The hub of the demo with its console, and the systems around it. `silent` systems do not listen: what is for them is tried again and again. */
export async function hub(consoleFolder: string, silent: readonly string[] = []): Promise<Hub> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-hub-'));
  const pki = await demoPki(join(folder, 'pki'));
  const names = ['ward', 'lab', 'pharmacy', 'registry'];
  const peers = await hospital({
    systems: Object.fromEntries(
      names.filter((name) => !silent.includes(name)).map((name) => [name, 0]),
    ),
    tls: { certificate: pki.hospital.certificate, key: pki.hospital.key, trust: pki.trust },
  });
  const port = await freePort();
  const closed = await freePort();
  const portOf = (name: string): number =>
    peers.systems.find((one) => one.name === name)?.port ?? closed;
  const data = join(folder, 'data');
  const production = join(folder, 'adt-hub');
  await cp(PRODUCTION, production, { recursive: true });
  // what a silent system never takes is not waited for at the end
  await writeFile(join(production, 'overlays/brief.yaml'), 'settings: { shutdownTimeout: 1s }\n');
  const running = await runProduction({
    folder: production,
    overlays: ['hl7-only', 'brief'],
    data,
    durability: 'process-crash',
    log: silentLogger,
    environment: {
      WAYBILL_DEMO_PKI: pki.folder,
      WAYBILL_DEMO_LISTEN: `127.0.0.1:${port}`,
      WAYBILL_DEMO_ARCHIVE: join(folder, 'archive'),
      ...Object.fromEntries(
        names.map((name) => [`WAYBILL_DEMO_${name.toUpperCase()}`, `127.0.0.1:${portOf(name)}`]),
      ),
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
  return {
    url: (operator.api?.url ?? '').replace(/\/$/, ''),
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
      await operator.stop();
      await running.stop();
      await peers.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
