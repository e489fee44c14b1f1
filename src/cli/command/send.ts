import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { hl7Batch } from '../../document/index.ts';
import { EngineError } from '../../error/engine-error.ts';
import { mllpClient } from '../mllp-client.ts';
import { print, say, table } from '../output.ts';

interface SendFlags {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly rate?: string;
  readonly json?: boolean;
}

export function sendCommand(): Command {
  return new Command('send')
    .description(
      'Sends the HL7 messages in files over MLLP, each after the acknowledgement of the previous one, and sums up the codes.',
    )
    .argument('<url>', 'mllp://host:port, or mllps://host:port over TLS')
    .argument('<files...>', 'each with one or more messages')
    .option('--ca <file>', 'the authority that the server’s certificate must come from')
    .option('--cert <file>', 'our certificate, with its chain')
    .option('--key <file>', 'the key of our certificate')
    .option('--server-name <name>', 'the name to expect in the server’s certificate')
    .option('--rate <n>', 'at most this many messages per second')
    .option('--json', 'as JSON')
    .action(send);
}

const textOf = (file: string | undefined): Promise<string> | undefined =>
  file === undefined ? undefined : readFile(file, 'utf8');

async function send(url: string, files: readonly string[], flags: SendFlags): Promise<void> {
  const { host, port, secure } = target(url);
  const client = await mllpClient({
    host,
    port,
    tls: secure
      ? {
          trust: await textOf(flags.ca),
          certificate: await textOf(flags.cert),
          key: await textOf(flags.key),
          serverName: flags.serverName,
        }
      : undefined,
  });
  const codes = new Map<string, number>();
  const pause = flags.rate === undefined ? 0 : 1_000 / Number(flags.rate);
  const began = performance.now();
  let sent = 0;
  try {
    for await (const { file, message } of messagesOf(files)) {
      const early = began + sent * pause - performance.now();
      if (early > 0) await sleep(early);
      const code = await client.send(message);
      codes.set(code, (codes.get(code) ?? 0) + 1);
      sent++;
      if (!isTaken(code)) say(`${file}: ${code}`);
    }
  } finally {
    client.close();
  }
  const seconds = Number(((performance.now() - began) / 1_000).toFixed(2));
  if (flags.json === true)
    print(JSON.stringify({ sent, codes: Object.fromEntries(codes), seconds }));
  else
    print(
      `${table([...codes].map(([code, count]) => [code, String(count)]))}\n${sent} messages in ${seconds} s`,
    );
  if (![...codes.keys()].every(isTaken)) process.exitCode = 1;
}

const isTaken = (code: string): boolean => code === 'AA' || code === 'CA';

async function* messagesOf(
  files: readonly string[],
): AsyncGenerator<{ file: string; message: Uint8Array }> {
  for (const file of files) {
    for (const message of hl7Batch(await readFile(file)).messages) yield { file, message };
  }
}

function target(text: string): { host: string; port: number; secure: boolean } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^mllps?:$/.test(url.protocol) || url.port === '') {
    throw new EngineError(
      'CONFIG_INVALID',
      `${text} is not an address; write mllp://host:port or mllps://host:port`,
    );
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port),
    secure: url.protocol === 'mllps:',
  };
}
