import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { entraSandbox } from '../../../sandbox/entra/entra-sandbox.ts';
import { graphSandbox } from '../../../sandbox/graph/graph-sandbox.ts';
import { hospital } from '../../../sandbox/hospital.ts';
import { letterBox } from '../../../sandbox/letter-box.ts';
import { sftpServer } from '../../../sandbox/sftp-server.ts';
import type { DemoPki } from './demo-pki.ts';

/** Everything around the hub in the demo, and what each system got. */
export interface DemoWorld extends AsyncDisposable {
  readonly pki: DemoPki;
  /** What the demo's production reads from its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** One line for each system. */
  describe(): string[];
  /** Operation → messages, counted where they arrived. */
  arrived(): Promise<Record<string, number>>;
}

const SYSTEMS = ['ward', 'lab', 'pharmacy', 'registry'];
const MAILBOX = 'noreply@hospital.example';
const REGISTRAR = 'registrar@hospital.example';
const CLIENT = '66666666-7777-8888-9999-000000000000';
const SECRET = 'demo-secret-of-the-hub';

const count = async (where: string): Promise<number> =>
  (await readdir(where)).filter((name) => name.endsWith('.hl7')).length;

/** Starts the receiving systems, an SFTP server, a mail server, Entra and Graph, all in this process. */
// oxlint-disable-next-line max-lines-per-function -- steps in one order, which sharing state across functions would hide
export async function demoWorld(folder: string, pki: DemoPki): Promise<DemoWorld> {
  const drop = join(folder, 'drop');
  const archive = join(folder, 'archive');
  await Promise.all([drop, archive].map((one) => mkdir(one, { recursive: true })));
  const peers = await hospital({
    systems: Object.fromEntries(SYSTEMS.map((name) => [name, 0])),
    tls: { certificate: pki.hospital.certificate, key: pki.hospital.key, trust: pki.trust },
  });
  const entra = await entraSandbox({
    applications: [
      {
        clientId: CLIENT,
        name: 'The hub',
        secrets: [{ value: SECRET }],
        roles: {
          'https://graph.microsoft.com': ['Mail.Send', 'Mail.ReadWrite'],
          'https://outlook.office365.com': ['SMTP.SendAsApp'],
        },
      },
    ],
  });
  const graph = await graphSandbox({ entra, mailboxes: [MAILBOX, REGISTRAR] });
  const letters = await letterBox({
    certificate: pki.hospital.certificate,
    key: pki.hospital.key,
    validate: async (token) => (await entra.validate(token)).valid,
  });
  const sftp = await sftpServer({ folder: drop, user: 'hub' });
  await Promise.all([
    pki.trustAlso('entra-ca.crt', entra.ca),
    pki.trustAlso('graph-ca.crt', graph.ca),
  ]);
  return {
    pki,
    environment: {
      ...environmentOf({ entra, graph, letters, sftp, peers }),
      WAYBILL_DEMO_PKI: pki.folder,
      WAYBILL_DEMO_ARCHIVE: archive,
    },
    describe: () => [
      `a hospital listens: ${peers.systems.map(({ name, port }) => `${name} on ${port}`).join(', ')} (MLLP over mutual TLS)`,
      `an SFTP server on ${sftp.port}, a mail server on ${letters.port}, Entra and Graph at ${entra.url} and ${graph.url}`,
    ],
    async arrived() {
      return {
        ...Object.fromEntries(peers.systems.map(({ name, count: got }) => [name, got()])),
        archive: await count(archive),
        drop: await count(drop),
        letters: letters.mails.length,
        // the registrar's mailbox itself, not what the hub says it sent
        registrar: graph.mailbox(REGISTRAR).messages('inbox').length,
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([
        peers.close(),
        sftp[Symbol.asyncDispose](),
        letters[Symbol.asyncDispose](),
        graph[Symbol.asyncDispose](),
        entra.close(),
      ]);
    },
  };
}

/** Where the production of the demo finds them all. */
function environmentOf({
  entra,
  graph,
  letters,
  sftp,
  peers,
}: {
  readonly entra: Awaited<ReturnType<typeof entraSandbox>>;
  readonly graph: Awaited<ReturnType<typeof graphSandbox>>;
  readonly letters: Awaited<ReturnType<typeof letterBox>>;
  readonly sftp: Awaited<ReturnType<typeof sftpServer>>;
  readonly peers: Awaited<ReturnType<typeof hospital>>;
}): Readonly<Record<string, string>> {
  return {
    WAYBILL_DEMO_AUTHORITY: entra.authority,
    WAYBILL_DEMO_TENANT: entra.tenant,
    WAYBILL_DEMO_CLIENT: CLIENT,
    WAYBILL_DEMO_SECRET: SECRET,
    WAYBILL_DEMO_GRAPH: graph.url,
    WAYBILL_DEMO_SMTP: `127.0.0.1:${letters.port}`,
    WAYBILL_DEMO_SFTP: `127.0.0.1:${sftp.port}`,
    WAYBILL_DEMO_HOST_KEY: sftp.fingerprint,
    WAYBILL_DEMO_DROP_PASSWORD: sftp.password,
    ...Object.fromEntries(
      peers.systems.map(({ name, port }) => [
        `WAYBILL_DEMO_${name.toUpperCase()}`,
        `127.0.0.1:${port}`,
      ]),
    ),
  };
}
