import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { hospital } from '../sandbox/hospital.ts';
import { demoPki } from './demo/demo-pki.ts';
import { say } from './output.ts';

export function sandboxCommand(): Command {
  return new Command('sandbox')
    .description(
      'Starts systems around a hospital, to try a production against: nothing in them is real.',
    )
    .addCommand(hospitalCommand());
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
    .option('--name <name>', 'a further name in their certificate')
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
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  for (const { name: system, count } of running.systems) say(`${system} got ${count()} messages`);
}
