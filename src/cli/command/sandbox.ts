import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { hospital } from '../../../sandbox/hospital.ts';
import { demoPki } from '../demo/demo-pki.ts';
import { print, say } from '../output.ts';
import { sandboxModule } from '../sandbox-module.ts';
import { toldToStop } from '../told-to-stop.ts';

export function sandboxCommand(): Command {
  return new Command('sandbox')
    .description(
      'Starts the systems around a hospital, to try a production with: nothing in them is real.',
    )
    .addCommand(peersCommand(), { isDefault: true })
    .addCommand(allCommand())
    .addCommand(hospitalCommand())
    .addCommand(oauth2Command());
}

function peersCommand(): Command {
  return new Command('peers')
    .description(
      'One of each, real where it is installed: OpenSSH, vsftpd, Postfix and Dovecot, an OAuth2 server, Entra and Graph, an MLLP receiver. Prints addresses, credentials and a production that uses them.',
    )
    .option(
      '--folder <folder>',
      'where certificates, keys and the production are written',
      'waybill-sandbox',
    )
    .action(async ({ folder }: { readonly folder: string }) => {
      const { runPeers } = await sandboxModule(() => import('./sandbox-peers.ts'));
      await runPeers(folder);
    });
}

function allCommand(): Command {
  return new Command('all')
    .description(
      'Everything that productions/adt-hub talks to: receiving systems, SFTP, a mail server, Entra and Graph. Prints the environment that the production needs.',
    )
    .option(
      '--folder <folder>',
      'where certificates and arriving messages are kept',
      'waybill-sandbox',
    )
    .action(runAll);
}

async function runAll({ folder }: { readonly folder: string }): Promise<void> {
  const { demoWorld } = await sandboxModule(() => import('../demo/demo-world.ts'));
  await mkdir(folder, { recursive: true });
  const pki = await demoPki(join(folder, 'pki'));
  await using world = await demoWorld(folder, pki);
  for (const line of world.describe()) say(line);
  for (const [name, value] of Object.entries(world.environment)) print(`export ${name}='${value}'`);
  say('Run the production with this environment; Ctrl-C ends the sandbox.');
  await toldToStop();
  for (const [system, count] of Object.entries(await world.arrived()))
    say(`${system} got ${count}`);
}

interface OAuth2Flags {
  readonly port: string;
  readonly client: string;
  readonly secret: string;
  readonly keys?: string;
  readonly scope: string[];
}

function oauth2Command(): Command {
  return new Command('oauth2')
    .description(
      'An OAuth2 server for client credentials, to try a credential of kind oauth2 against.',
    )
    .option('--port <port>', 'the loopback port; 0 takes a free one', '0')
    .option('--client <id>', 'the client that it knows', 'hub')
    .option('--secret <text>', 'the client’s secret', 'sandbox-secret')
    .option('--keys <url>', 'instead of the secret: where the client publishes its keys')
    .option(
      '--scope <name>',
      'a scope that may be requested; may be repeated',
      (one: string, all: string[]) => [...all, one],
      [] as string[],
    )
    .action(runOAuth2);
}

async function runOAuth2({ port, client, secret, keys, scope }: OAuth2Flags): Promise<void> {
  const { oauth2Sandbox } = await sandboxModule(
    () => import('../../../sandbox/oauth2/oauth2-sandbox.ts'),
  );
  await using server = await oauth2Sandbox({
    clients: [
      keys === undefined
        ? { clientId: client, secret, secretIn: 'header' }
        : { clientId: client, keysUrl: keys },
    ],
    scopes: scope.length === 0 ? ['read', 'write'] : scope,
    port: Number(port),
  });
  print(`issuer ${server.url}`);
  print(`tokenUrl ${server.tokenUrl}`);
  print(server.ca);
  say('Put the certificate above into a file and name it under trust; Ctrl-C ends it.');
  await toldToStop();
}

interface HospitalFlags {
  readonly host: string;
  readonly pki: string;
  readonly name: string;
  readonly ports: string;
}

const SYSTEMS = ['ward', 'lab', 'pharmacy', 'registry'];

function hospitalCommand(): Command {
  return new Command('hospital')
    .description(
      'The receiving systems of productions/adt-hub: MLLP over mutual TLS. Makes certificates for both sides.',
    )
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--pki <folder>', 'where the certificates are written', 'pki')
    .option('--name <name>', 'another name in their certificate')
    .option('--ports <list>', 'for ward, lab, pharmacy and registry', '2601,2602,2603,2604')
    .action(runHospital);
}

async function runHospital({ host, pki: folder, name, ports }: HospitalFlags): Promise<void> {
  const pki = await demoPki(folder, name === undefined ? [] : [`DNS:${name}`]);
  const numbers = ports.split(',').map(Number);
  await using running = await hospital({
    host,
    systems: Object.fromEntries(SYSTEMS.map((system, index) => [system, numbers[index] ?? 0])),
    tls: {
      certificate: pki.hospital.certificate,
      key: pki.hospital.key,
      trust: await readFile(join(folder, 'ca.crt'), 'utf8'),
    },
  });
  for (const { name: system, port } of running.systems) say(`${system} listens on ${host}:${port}`);
  say(`certificates are in ${folder}; Ctrl-C ends it`);
  await toldToStop();
  for (const { name: system, count } of running.systems) say(`${system} got ${count()} messages`);
}
