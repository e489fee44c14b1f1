import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Peers, startPeers } from '../../../sandbox/peers.ts';
import { print, say, table } from '../output.ts';
import { toldToStop } from '../told-to-stop.ts';

/** Starts every peer that is available here, says how to reach it, and ends with Ctrl-C. */
export async function runPeers(folder: string): Promise<void> {
  // Handled from the beginning, or a quick Ctrl-C would leave processes behind.
  const ended = toldToStop();
  await using peers = await startPeers(folder);
  const yaml = stringify(peers.production, { lineWidth: 0 });
  const file = join(folder, 'production.yaml');
  await writeFile(file, yaml);
  for (const line of described(peers, yaml)) print(line);
  say(
    `The lines above are ${file}: copy from it, or test it: waybill try --production ${folder} sandbox-sftp`,
  );
  say('Ctrl-C ends the sandbox and deletes what arrived in it.');
  await ended;
  say('The sandbox is being ended.');
}

function described({ rows, missing }: Peers, yaml: string): string[] {
  return [
    table([
      ['system', 'address', 'what it is', 'sign-in'],
      ...rows.map(({ system, address, program, signIn }) => [system, address, program, signIn]),
    ]),
    ...missing.map(({ system, reason }) => `${system} is not available: ${reason}`),
    '',
    yaml,
  ];
}
